import { randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import { type Operation, operation, type Tx, withTenant } from '../db/tenancy.ts'
import { createToken } from './tokens.ts'

/** Where the first token is written, once. */
export const adminTokenFile = (dataDir: string): string => join(dataDir, 'admin-token')

/**
 * First start: the organization of the configuration, its member `admin` (owner) and a token, written to the data
 * directory (0600). Does nothing when they exist. Several servers may do it at once.
 */
export async function bootstrap(context: AppContext): Promise<{ organizationId: string }> {
  const { config, db, log } = context
  for (;;) {
    const known = await db.scheduler
      .selectFrom('organizations')
      .select('id')
      .where('name', '=', config.organization)
      .executeTakeFirst()
    if (known) return { organizationId: known.id }
    const op = operation(randomUUID(), 'server')
    try {
      await withTenant(db, op, (tx) => createOrganization(tx, op, config))
      log.info({ file: adminTokenFile(config.dataDir) }, 'admin token written')
    } catch (error) {
      // Another server was quicker; what it made is found in the next turn.
      if ((error as { constraint?: string }).constraint !== 'organizations_name_key') throw error
    }
  }
}

/** The file is written before the commit: a crash between the two leaves a token that is worth nothing, not none. */
async function createOrganization(tx: Tx, op: Operation, config: AppContext['config']): Promise<void> {
  const organization_id = op.organizationId
  await tx.insertInto('organizations').values({ id: organization_id, name: config.organization }).execute()
  const member = await tx
    .insertInto('members')
    .values({ organization_id, name: 'admin', role: 'owner' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { token, hash } = createToken('ft_')
  const row = await tx
    .insertInto('tokens')
    .values({ organization_id, member_id: member.id, name: 'first', token_hash: hash })
    .returning('id')
    .executeTakeFirstOrThrow()
  await audit(tx, op, 'organization.create', { kind: 'organization', id: organization_id })
  await audit(tx, op, 'token.create', { kind: 'token', id: row.id }, { member: 'admin', name: 'first' })
  await writeSecret(adminTokenFile(config.dataDir), `${token}\n`)
}

async function writeSecret(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const aside = `${path}.${randomUUID()}`
  await writeFile(aside, text, { mode: 0o600, flag: 'wx', flush: true })
  await rename(aside, path)
}
