import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import { startBuild } from '../../server/services/builds/builds.ts'
import { listBranches } from '../../server/services/projects/branches.ts'
import { createProject, getProject } from '../../server/services/projects/projects.ts'
import { runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { deliverGithub, githubPush, pushedCommit } from '../support/webhooks.ts'

// Repositories whose branches are called as the OCA calls them, or otherwise than the rules that nobody gave.

let server: TestServer
let context: AppContext
let tenant: Tenant
let token: string
let made = 0

beforeAll(async () => {
  server = await startTestServer()
  context = server.context
  const organization = await server.createTenant('oca')
  token = organization.token
  tenant = await arrangeTenant(context, organization.organizationId, 'first')
}, 120_000)
afterAll(() => server?.close())

type Rules = Parameters<typeof createProject>[2]['branchRules']

/** A project of its own, and how its repository pushes. */
async function arrange(more: { branchRules?: Rules; defaultBranch?: string } = {}) {
  const name = `p${++made}`
  await createProject(context, tenant.caller, {
    name,
    repositoryUrl: `https://git.example/${name}/odoo.git`,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: `${name}-webhook-secret`,
    ...more,
  })
  const push = async (branch: string, default_branch?: string, payload = {}) =>
    (
      await deliverGithub(
        server,
        `${name}-webhook-secret`,
        githubPush({ full_name: `${name}/odoo`, default_branch }, branch, payload),
      )
    ).answer
  const stageOf = async (branch: string) =>
    (
      await tenant.scope((tx) =>
        tx
          .selectFrom('branches')
          .innerJoin('projects', 'projects.id', 'branches.project_id')
          .select('branches.stage')
          .where('projects.name', '=', name)
          .where('branches.name', '=', branch)
          .executeTakeFirst(),
      )
    )?.stage
  const rules = async () =>
    (await getProject(context, tenant.caller, name)).branchRules.map(({ pattern }) => pattern)
  const ignored = async () => (await listBranches(context, tenant.caller, name)).ignored
  return { name, push, stageOf, rules, ignored }
}

describe('the default branch of a repository', () => {
  test.each(['19.0', 'master', 'develop'])(
    '%s is production where no rule says otherwise',
    async (branch) => {
      const { push, stageOf, rules } = await arrange()
      expect(await push(branch, branch)).toMatchObject({ outcome: 'build-queued' })
      expect(await stageOf(branch)).toBe('production')
      expect(await rules()).toEqual([branch, 'release/*', 'feature/*'])
    },
  )

  test('is it whichever branch is pushed first', async () => {
    const { push, stageOf } = await arrange()
    expect(await push('main', '19.0')).toMatchObject({ outcome: 'ignored' })
    expect(await push('19.0', '19.0')).toMatchObject({ outcome: 'build-queued' })
    expect(await stageOf('19.0')).toBe('production')
    expect(await stageOf('main')).toBe(undefined)
  })

  test('is it when the project is told, before anything is pushed', async () => {
    const { name, stageOf, rules } = await arrange({ defaultBranch: '18.0' })
    expect(await rules()).toEqual(['18.0', 'release/*', 'feature/*'])
    const wanted = { project: name, branch: '18.0', commit: '', trigger: 'manual' } as const
    await startBuild(context, tenant.caller, wanted)
    expect(await stageOf('18.0')).toBe('production')
  })

  test('changes the rules in sight of everybody, as long as nobody gives others', async () => {
    const { name, push } = await arrange()
    expect((await push('feature/x', 'main')).notes).toBe(undefined)
    const { notes } = await push('feature/x', 'develop')
    expect(notes).toEqual([expect.stringContaining('Production is the branch develop from now on, not main')])
    expect((await push('feature/x', 'develop')).notes).toBe(undefined)
    const env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
    const show = async () => (await runCli(['project', 'show', name], env)).stdout
    expect(await show()).toMatch(/Changed +production: main → develop, .* by github:ben/)
    await runCli(['project', 'update', name, '--production-branch', 'main'], env)
    expect(await show()).not.toContain('Changed')
  })

  test('is nothing but a name where somebody gave rules', async () => {
    const branchRules = [
      { pattern: 'live', stage: 'production' },
      { pattern: '19.0', stage: 'staging' },
    ] as const
    const { push, stageOf, rules } = await arrange({ branchRules })
    await push('19.0', '19.0')
    expect(await stageOf('19.0')).toBe('staging')
    expect(await rules()).toEqual(['live', '19.0'])
  })

  test('stays what the other default rules make of it', async () => {
    const { push, stageOf } = await arrange()
    await push('release/1.0', 'release/1.0')
    expect(await stageOf('release/1.0')).toBe('staging')
  })

  test('does not take production over from the branch that has it', async () => {
    const { name, push, stageOf, rules } = await arrange()
    await push('main', 'main')
    expect(await push('develop', 'develop')).toMatchObject({ outcome: 'ignored' })
    expect(await stageOf('main')).toBe('production')
    expect(await rules()).toEqual(['main', 'release/*', 'feature/*'])
    expect((await getProject(context, tenant.caller, name)).defaultBranch).toBe('develop')
  })

  test('that no branch can be called changes nothing', async () => {
    const { push, rules } = await arrange()
    await push('feature/x', 'a..b')
    await push('feature/x', '')
    expect(await rules()).toEqual(['main', 'release/*', 'feature/*'])
  })

  test('changes with an event, once', async () => {
    const { name, push } = await arrange()
    await push('feature/x', '19.0')
    await push('feature/x', '19.0')
    const { id } = await getProject(context, tenant.caller, name)
    const events = await tenant.scope((tx) =>
      tx
        .selectFrom('audit_events')
        .select('details')
        .where('action', '=', 'project.default-branch')
        .where('project_id', '=', id)
        .execute(),
    )
    expect(events).toEqual([{ details: { before: null, now: '19.0', production: '19.0' } }])
  })
})

describe('what is pushed and not built', () => {
  test('is listed with the reason and what to do', async () => {
    const { name, push, ignored } = await arrange()
    await push('master')
    await push('master')
    const [row] = await ignored()
    expect(row).toMatchObject({
      project: name,
      name: 'master',
      headCommit: pushedCommit,
      reason: 'no-branch-rule',
      pushes: 2,
    })
    expect(row?.explanation).toContain('main → production')
    expect(row?.hint).toContain(`fairway project update ${name} --production-branch master`)
    const env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
    const shown = await runCli(['branch', 'list', name], env)
    expect(shown.stdout).toContain(`${name} master was ignored: No rule of ${name}`)
    const project = await runCli(['project', 'show', name], env)
    expect(project.stdout).toContain(`1 pushed and not built; why: fairway branch list ${name}`)
  })

  test('is not listed any more once it is built, or gone', async () => {
    const { push, ignored } = await arrange()
    await push('19.0')
    await push('hotfix/x')
    expect((await ignored()).map(({ name }) => name)).toEqual(['hotfix/x', '19.0'])
    await push('19.0', '19.0')
    await push('hotfix/x', '19.0', { deleted: true, after: '0'.repeat(40), head_commit: null })
    expect(await ignored()).toEqual([])
  })

  test('is a branch whose name is refused as well, and no failed delivery', async () => {
    const { push, ignored } = await arrange()
    const long = `feature/${'x'.repeat(250)}`
    expect(await push(long)).toMatchObject({ outcome: 'ignored' })
    expect((await ignored())[0]).toMatchObject({ name: long, reason: 'invalid-branch' })
  })

  test('is kept for so many branches and no more', async () => {
    const { name, push, ignored } = await arrange()
    const { id } = await getProject(context, tenant.caller, name)
    await tenant.scope((tx) =>
      tx
        .insertInto('ignored_pushes')
        .values(
          Array.from({ length: 200 }, (_, at) => ({
            organization_id: tenant.organizationId,
            project_id: id,
            branch: `old-${at}`,
            reason: 'no-branch-rule',
            explanation: '',
            commit: pushedCommit,
            pushed_by: 'github:ben',
            last_pushed_at: new Date(at * 1_000),
          })),
        )
        .execute(),
    )
    await push('newest')
    const names = (await ignored()).map((row) => row.name)
    expect(names).toHaveLength(200)
    expect(names[0]).toBe('newest')
    expect(names).not.toContain('old-0')
  })
})
