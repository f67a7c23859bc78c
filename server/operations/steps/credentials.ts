import type { SecretRefRecord } from '../../db/record.ts'
import { type CredentialKind, listCredentialRefs } from '../../governance/secrets/credentials.ts'
import type { Engine } from '../../runs/replay.ts'

/**
 * Names and versions of what the project has for hosts of those kinds, as they are when it is first asked for under
 * that key. A task that carries them can ask the server for their values.
 */
export function credentialsFor(
  engine: Engine,
  key: string,
  kinds: readonly CredentialKind[],
): Promise<readonly SecretRefRecord[]> {
  const { tx, project } = engine.state
  return engine.effect(`credentials:${key}`, () => listCredentialRefs(tx, project.id, kinds))
}
