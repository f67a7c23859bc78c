import { sql } from 'kysely'
import type { Tx } from '../../db/tenancy.ts'

export interface AbleHost {
  readonly id: string
  readonly name: string
}

/** As an agent that answers says in its Hello. */
const capability = 'look'

/**
 * Hosts that can be asked for a repository now, the one with the project's data first: builds go there. Gives why where there
 * is none.
 */
export async function listAbleHosts(
  tx: Tx,
  projectId: string | undefined,
): Promise<{ readonly hosts: readonly AbleHost[] } | { readonly unasked: string }> {
  const all = await tx
    .selectFrom('hosts')
    .select(['id', 'name', 'status', 'capabilities'])
    .where('status', '<>', 'revoked')
    .orderBy('name')
    .orderBy('id')
    .execute()
  const online = all.filter(({ status }) => status === 'online')
  const able = online.filter(({ capabilities }) => capabilities.includes(capability))
  if (able.length === 0) return { unasked: whyNone(all, online) }
  const own = projectId ? await findOwnHost(tx, projectId) : undefined
  const isOwn = ({ id }: AbleHost) => id === own
  return { hosts: [...able.filter(isOwn), ...able.filter((host) => !isOwn(host))] }
}

interface Known {
  readonly name: string
  readonly status: string
}

function whyNone(all: readonly Known[], online: readonly Known[]): string {
  if (all.length === 0) return 'no host has joined yet (fairway host join-token)'
  const names = (hosts: readonly Known[]) => hosts.map(({ name }) => name).join(', ')
  if (online.length > 0)
    return `the agent of ${names(online)} is older than this server and cannot: upgrade it`
  return `no host is there to ask: ${all.map(({ name, status }) => `${name} is ${status}`).join(', ')}`
}

/** Production's, or where the oldest of the others is. */
async function findOwnHost(tx: Tx, projectId: string): Promise<string | undefined> {
  const environment = await tx
    .selectFrom('environments')
    .select('host_id')
    .where('project_id', '=', projectId)
    .where('host_id', 'is not', null)
    .where('status', '<>', 'destroyed')
    .orderBy(sql`stage = 'production'`, 'desc')
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return environment?.host_id ?? undefined
}
