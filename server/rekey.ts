import { parseArgs } from 'node:util'
import type { Config } from './config.ts'
import { authorityLabel } from './db/master-key-check.ts'
import { openOwnerUrl, ownerPassword } from './db/open.ts'
import { resealDatabase, type SealedColumn } from './db/reseal.ts'
import { signingKeyLabel } from './evidence/keys.ts'
import { authorizerLabel } from './fleet/authorizer.ts'
import { administratorLabel } from './governance/administrator-password.ts'
import { dataKeyLabel } from './governance/secrets/data-keys.ts'
import type { Logger } from './logger.ts'
import { readMasterKey } from './master-key.ts'
import { createSealer } from './sealer.ts'
import { webhookSecretLabel } from './services/projects/projects.ts'

/** All that the master key seals. Values of secrets are sealed by data keys, and stay as they are. */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'authority', column: 'key_sealed', label: () => authorityLabel },
  { table: 'authorizer', column: 'key_sealed', label: () => authorizerLabel },
  { table: 'projects', column: 'webhook_secret_sealed', label: ({ id }) => webhookSecretLabel(String(id)) },
  {
    table: 'data_keys',
    column: 'key_sealed',
    label: ({ organization_id, version, envelope }) =>
      dataKeyLabel(String(organization_id), Number(version), Number(envelope)),
  },
  { table: 'cells', column: 'administrator_sealed', label: ({ id }) => administratorLabel(String(id)) },
  { table: 'signing_keys', column: 'private_sealed', label: ({ id }) => signingKeyLabel(String(id)) },
]

/**
 * `fairway-server rekey --new-key-file FILE`: seals everything with a new master key, while no server runs. The former
 * key comes from where the server takes it; the new one is made in FILE when there is none. Gives what to tell people.
 */
export async function rekey(config: Config, args: readonly string[], log: Logger): Promise<string> {
  const { values } = parseArgs({ args: [...args], options: { 'new-key-file': { type: 'string' } } })
  const file = values['new-key-file']
  if (!file)
    throw new Error('Name the file of the new key, made when it is not there: rekey --new-key-file FILE')
  const from = createSealer(readMasterKey(config))
  const to = createSealer(readMasterKey({ masterKeyFile: file }))
  const owner = await openOwnerUrl(config, from, log)
  try {
    const password = config.databaseUrl ? undefined : ownerPassword(to)
    const count = await resealDatabase(owner.url, {
      columns: sealedColumns,
      from,
      to,
      ownerPassword: password,
    })
    return `${count} values are sealed with the key in ${file}. Start every server with it, and keep a copy apart.`
  } finally {
    // A server that still works with it would lose it.
    if (!owner.takenOver) await owner.close()
  }
}
