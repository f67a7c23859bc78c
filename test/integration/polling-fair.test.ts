import { expect, test } from 'vitest'
import { operation } from '../../server/db/tenancy.ts'
import { createProject } from '../../server/services/projects/projects.ts'
import { usePolling } from '../support/use-polling.ts'
import { waitFor } from '../support/wait-for.ts'

// Organizations share the server: one whose git servers are slow, or that has very many, keeps no other waiting.

const polling = usePolling()
const { asked, hold, organizationId: ours, poll, release, server, shop, sql } = polling

/** Of the shop's repository, and due for so long; gives its id. */
async function createPolled(organizationId: string, name: string, since: string): Promise<string> {
  const owner = { role: 'owner' as const, projects: 'all' as const, projectRoles: new Map(), scopes: [] }
  const wanted = {
    name,
    repositoryUrl: shop().repository.url,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: '',
  }
  const { project } = await createProject(
    server().context,
    { ...operation(organizationId, 'member:ana'), access: owner },
    wanted,
  )
  await sql(
    `insert into repository_polls (project_id, organization_id, every_seconds, set_by, next_at)
     values ($1, $2, 3600, 'test', now() - $3::interval)`,
    [project.id, organizationId, since],
  )
  return project.id
}

test('an organization takes two places, and what another one has due has its turn meanwhile', async () => {
  for (let at = 0; at < 12; at++) await createPolled(ours(), `slow-${at}`, '1 hour')
  const { organizationId } = await server().createTenant('rivals')
  const rival = await createPolled(organizationId, 'rival', '1 minute')
  const before = asked()
  hold()
  poll()
  await waitFor('two to be asked', () => asked() - before >= 2)
  // Its host answers nobody: it fails, or is asked at least.
  await waitFor('the other one’s turn', async () => {
    const [claimed] = await sql('select 1 from repository_polls where project_id = $1 and next_at > now()', [
      rival,
    ])
    return claimed !== undefined
  })
  const [{ claimed } = { claimed: -1 }] = await sql<{ claimed: number }>(
    `select count(*)::integer as claimed from repository_polls where organization_id <> $1 and next_at > now()`,
    [organizationId],
  )
  expect(claimed).toBe(2)
  release()
  await waitFor('the others', async () => {
    const [left] = await sql(
      'select 1 from repository_polls where last_at is null and organization_id <> $1',
      [organizationId],
    )
    return left === undefined
  })
})
