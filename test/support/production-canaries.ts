import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DATABASE } from '../../agent/database/names.ts'
import type { OdooHost } from './odoo-host.ts'
import { withSuperuser } from './superuser.ts'

/** What a production of base alone has that no copy may have. */
export const canaries = {
  secret: '6f1c0a52-77aa-4c55-9d0e-canary000001',
  uuid: '0d9f3c1e-77aa-4c55-9d0e-canary000002',
  smtp: 'canary-smtp-pass',
  apiKey: 'canary-api-key-hash',
  totp: 'CANARYTOTPSECRET',
  hash: '$pbkdf2-sha512$25000$canaryhash',
  parameter: 'canary-carrier-key',
  url: 'https://user:canary-in-url@example.com/hook',
  document: 'canary-document-token',
  address: 'https://canary.shop.example.com',
}
const keyFile = createHash('sha1').update('canary private key').digest('hex')

/** The file of a private key, below a filestore. */
export const keyFilePath = join(keyFile.slice(0, 2), keyFile)

export async function plantCanaries({ services, query }: OdooHost, cellId: string): Promise<void> {
  await query(cellId, `update ir_config_parameter set value = $1 where key = 'database.secret'`, [
    canaries.secret,
  ])
  await query(cellId, `update ir_config_parameter set value = $1 where key = 'database.uuid'`, [
    canaries.uuid,
  ])
  await query(
    cellId,
    `insert into ir_config_parameter (key, value) values ('carrier.api_key', $1), ('carrier.hook', $2),
       ('web.base.url', $3), ('web.base.url.freeze', 'True'), ('report.url', $3), ('shop.returns', $3 || '/returns')
     on conflict (key) do update set value = excluded.value`,
    [canaries.parameter, canaries.url, canaries.address],
  )
  await query(cellId, `insert into ir_cron_trigger (cron_id, call_at) select min(id), now() from ir_cron`)
  await query(
    cellId,
    `insert into ir_mail_server (name, smtp_host, smtp_port, smtp_encryption, smtp_authentication, smtp_user, smtp_pass, active)
     values ('live', 'smtp.example.com', 25, 'none', 'login', 'canary-user', $1, true)`,
    [canaries.smtp],
  )
  await query(cellId, 'update res_users set password = $1 where id = 2', [canaries.hash])
  await query(
    cellId,
    `insert into res_users_apikeys (name, user_id, key, index) values ('k', 2, $1, 'canary00')`,
    [canaries.apiKey],
  )
  // As auth_totp and certificate add them.
  await query(cellId, 'alter table res_users add column if not exists totp_secret varchar')
  await query(cellId, 'update res_users set totp_secret = $1 where id = 2', [canaries.totp])
  await query(
    cellId,
    `insert into ir_attachment (name, type, res_model, res_field, res_id, store_fname, access_token)
     values ('content', 'binary', 'certificate.key', 'content', 1, $1, $2)`,
    [keyFilePath, canaries.document],
  )
  const { paths } = await services.pool.requireCell(cellId)
  await mkdir(join(paths.filestore, keyFile.slice(0, 2)), { recursive: true })
  await writeFile(join(paths.filestore, keyFilePath), 'canary private key')
  await query(cellId, 'checkpoint')
}

/** Which of the canaries a database holds, anywhere, as a dump of all its rows would show them. */
export async function findCanaries({ services }: OdooHost, cellId: string): Promise<string[]> {
  const cell = await services.pool.requireCell(cellId)
  const wanted = Object.entries({ ...canaries, url: 'canary-in-url' })
  return withSuperuser(
    cell,
    async (client) => {
      const { rows: tables } = await client.query<{ name: string }>(
        `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind = 'r' and n.nspname = 'public'`,
      )
      const hits = new Set<string>()
      for (const { name } of tables) {
        const { rows } = await client.query<{ canary: string }>(
          `select canary from unnest($1::text[]) as canary where exists (
             select from ${name} t where strpos(t::text, canary) > 0)`,
          [wanted.map(([, value]) => value)],
        )
        for (const { canary } of rows) hits.add(canary)
      }
      return wanted.flatMap(([what, value]) => (hits.has(value) ? [what] : []))
    },
    { database: DATABASE },
  )
}
