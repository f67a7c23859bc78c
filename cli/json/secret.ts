import type { Secret } from '../../proto/gen/fairway/v1/secrets_pb.js'
import { textOf, timeOf } from './values.ts'

/** A line of `secret list --json`; scripts depend on the keys. There is never a value in it. */
export const secretJson = (secret: Secret) => ({
  project: secret.project,
  name: secret.name,
  scope: textOf(secret.scope),
  version: secret.version,
  setBy: secret.setBy,
  setAt: timeOf(secret.setAt),
  staleEnvironments: secret.staleEnvironments,
})
export type SecretJson = ReturnType<typeof secretJson>
