import type { Tx } from '../../db/tenancy.ts'
import type { DuePoll } from './polled-project.ts'

/**
 * A path is each host's own: what another host has in the place of the one that answered before says nothing of what became of the
 * repository, and would take branches for deleted. Throws while the one that answered is only away; one that was taken out of
 * the organization is not waited for.
 */
export async function requireSameHosts(
  tx: Tx,
  { url, project }: Pick<DuePoll, 'url' | 'project'>,
  before: readonly string[],
  now: readonly string[],
): Promise<void> {
  if (!url.startsWith('file:') || before.length === 0 || before.some((id) => now.includes(id))) return
  const waitedFor = await tx
    .selectFrom('hosts')
    .select('name')
    .where('id', 'in', [...before])
    .where('status', '<>', 'revoked')
    .orderBy('name')
    .execute()
  if (waitedFor.length === 0) return
  const names = waitedFor.map(({ name }) => name).join(', ')
  throw new Error(
    `The path was read on ${names} before, and only other hosts answer now, which have files of their own. It is polled again ` +
      `when ${names} is back; or give that host up (fairway host revoke), or begin anew (fairway project update ${project} ` +
      '--poll off, then as before).',
  )
}
