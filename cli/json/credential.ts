import type { Credential } from '../../proto/gen/fairway/v1/credentials_pb.js'
import { textOf, timeOf } from './values.ts'

/** A line of `credential list --json`; scripts depend on the keys. There is never a password or private key in it. */
export const credentialJson = (credential: Credential) => ({
  kind: credential.kind,
  host: credential.host,
  form: credential.form,
  username: textOf(credential.username),
  publicKey: textOf(credential.publicKey),
  version: credential.version,
  setBy: credential.setBy,
  setAt: timeOf(credential.setAt),
})
export type CredentialJson = ReturnType<typeof credentialJson>
