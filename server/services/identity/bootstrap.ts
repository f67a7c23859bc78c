import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Operation, operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { currentKey } from '../../evidence/keys.ts'
import { createLoginCode, type LoginCode, operatorActor } from './login-codes.ts'

/** Where the code for the first login is written as well. */
export const adminCodeFile = (dataDir: string): string => join(dataDir, 'admin-code')

export interface Bootstrapped {
  readonly organizationId: string
  /** A one-time code, to be printed: for an owner while none has ever logged in, or for whom the configuration names. */
  readonly offer?: LoginCode & { readonly member: string }
}

/**
 * First start: the organization of the configuration and its member `admin`, an owner. Until an owner has logged in
 * each start makes a fresh one-time code, voids the one before, and writes it to the data directory (0600).
 * Several servers may do it at once.
 */
export async function bootstrap(context: AppContext): Promise<Bootstrapped> {
  const organizationId = await ensureOrganization(context)
  return { organizationId, offer: await offerLogin(context, operation(organizationId, 'server')) }
}

async function ensureOrganization({ config, db, sealer }: AppContext): Promise<string> {
  for (;;) {
    const known = await db.scheduler
      .selectFrom('organizations')
      .select('id')
      .where('name', '=', config.organization)
      .executeTakeFirst()
    if (known) return known.id
    const op = operation(randomUUID(), 'server')
    try {
      await withTenant(db, op, (tx) => createOrganization(tx, op, config.organization, sealer))
    } catch (error) {
      // Another server was quicker; what it made is found in the next turn.
      if ((error as { constraint?: string }).constraint !== 'organizations_name_key') throw error
    }
  }
}

async function createOrganization(
  tx: Tx,
  op: Operation,
  name: string,
  sealer: AppContext['sealer'],
): Promise<void> {
  const organization_id = op.organizationId
  await tx.insertInto('organizations').values({ id: organization_id, name }).execute()
  const member = await tx
    .insertInto('members')
    .values({ organization_id, name: 'admin', role: 'owner' })
    .returning('id')
    .executeTakeFirstOrThrow()
  await audit(tx, op, 'organization.create', { kind: 'organization', id: organization_id })
  await audit(tx, op, 'member.add', { kind: 'member', id: member.id }, { member: 'admin', role: 'owner' })
  for (const purpose of ['statements', 'checkpoints'] as const) {
    const { id, pem } = await currentKey(tx, op, sealer, purpose)
    await audit(tx, op, 'signing-key.create', { kind: 'signing-key', id }, { purpose, publicKey: pem })
  }
}

/** The file is written before the commit: a crash between the two leaves a code that is worth nothing, not none. */
async function offerLogin({ config, db }: AppContext, op: Operation): Promise<Bootstrapped['offer']> {
  const file = adminCodeFile(config.dataDir)
  return await withTenant(db, op, async (tx) => {
    // Locked, so that of several servers the last to make a code is the last to write the file.
    const owners = await tx
      .selectFrom('members')
      .select(['id', 'name'])
      .where('role', '=', 'owner')
      .where('removed_at', 'is', null)
      .orderBy('created_at')
      .forUpdate()
      .execute()
    const member = config.ownerCodeFor ? await findLiving(tx, config.ownerCodeFor) : owners[0]
    if (!member) {
      const names = owners.map(({ name }) => name).join(', ')
      throw new Error(`FAIRWAY_OWNER_CODE: ${config.ownerCodeFor} is no member. Owners are: ${names}`)
    }
    if (!config.ownerCodeFor && (await anyOwnerLoggedIn(tx))) {
      await rm(file, { force: true })
      return undefined
    }
    const origin = config.ownerCodeFor ? 'operator' : 'invitation'
    const made = await createLoginCode(tx, op, member.id, { kind: origin, issuedBy: [operatorActor] })
    const details = {
      member: member.name,
      issuedBy: [operatorActor],
      expiresAt: made.expiresAt.toISOString(),
    }
    await audit(tx, op, 'member.invite', { kind: 'member', id: member.id }, details)
    await writeSecret(file, `${made.code}\n`)
    return { ...made, member: member.name }
  })
}

const findLiving = (tx: Tx, name: string) =>
  tx
    .selectFrom('members')
    .select(['id', 'name'])
    .where('name', '=', name)
    .where('removed_at', 'is', null)
    .executeTakeFirst()

/** Whether any owner ever had a token, ended ones included. */
async function anyOwnerLoggedIn(tx: Tx): Promise<boolean> {
  const token = await tx
    .selectFrom('tokens')
    .innerJoin('members', 'members.id', 'tokens.member_id')
    .select('tokens.id')
    .where('members.role', '=', 'owner')
    .executeTakeFirst()
  return token !== undefined
}

async function writeSecret(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const aside = `${path}.${randomUUID()}`
  await writeFile(aside, text, { mode: 0o600, flag: 'wx', flush: true })
  await rename(aside, path)
}
