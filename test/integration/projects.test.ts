import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import { deleteProject } from '../../server/services/projects/project-deletion.ts'
import { createProject, getProject } from '../../server/services/projects/projects.ts'
import { runCli } from '../support/cli.ts'
import { playRun } from '../support/play-run.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, finishBuild, type Tenant } from '../support/tenant.ts'
import { deliverGithub, githubPush } from '../support/webhooks.ts'

// What an owner does to a project after it was created, through the command line.

let server: TestServer
let context: AppContext
let tenant: Tenant
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  context = server.context
  const { organizationId, token } = await server.createTenant('owners')
  tenant = await arrangeTenant(context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
}, 120_000)
afterAll(() => server?.close())

const cli = (...words: string[]) => runCli(words, env)
const json = async (...words: string[]) => {
  const { code, stdout, stderr } = await cli(...words, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Record<string, unknown>
}
const create = async (name: string) =>
  await createProject(context, tenant.caller, {
    name,
    repositoryUrl: `https://git.example/${name}/odoo.git`,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: `${name}-webhook-secret`,
  })
const eventsOf = (action: string) =>
  tenant.scope((tx) =>
    tx.selectFrom('audit_events').select('details').where('action', '=', action).orderBy('id').execute(),
  )

describe('project update', () => {
  test('changes address, version and rules, with what was before', async () => {
    const changed = await json(
      ...['project', 'update', 'shop', '--repository', 'https://git.example/new/erp.git'],
      ...['--odoo-version', '18.0', '--production-branch', 'master', '--add-rule', '18.0-*=staging'],
    )
    expect(changed).toMatchObject({
      repositoryUrl: 'https://git.example/new/erp.git',
      repositorySlug: 'new/erp',
      odooVersion: '18.0',
      branchRules: [
        { pattern: 'master', stage: 'production' },
        { pattern: 'release/*', stage: 'staging' },
        { pattern: 'feature/*', stage: 'development' },
        { pattern: '18.0-*', stage: 'staging' },
      ],
      branchRulesOrigin: 'given',
      webhookSecret: null,
    })
    const [event] = await eventsOf('project.update')
    expect(event?.details).toMatchObject({
      before: { repository_slug: 'shop/odoo', odoo_version: '19.0', branch_rules: expect.any(Array) },
      now: { repository_slug: 'new/erp', odoo_version: '18.0' },
    })
  })

  test('is not undone by a push to the former repository, which is a stranger from then on', async () => {
    await create('moved')
    const push = (slug: string, id: number) =>
      deliverGithub(
        server,
        'moved-webhook-secret',
        githubPush({ full_name: slug, id, owner: { id: 9 } }, 'feature/x'),
      )
    expect((await push('moved/odoo', 41)).status).toBe(202)
    await json('project', 'update', 'moved', '--repository', 'https://gitlab.example/acme/moved.git')
    expect((await push('moved/odoo', 41)).status).toBe(401)
    expect((await push('acme/moved', 42)).status).toBe(202)
    expect(await json('project', 'show', 'moved')).toMatchObject({
      repositoryUrl: 'https://gitlab.example/acme/moved.git',
      repositoryUid: 'github:42',
    })
  })

  test('makes a new webhook secret, and the old one is worth nothing', async () => {
    await create('rotated')
    const { webhookSecret } = await json('project', 'update', 'rotated', '--rotate-webhook-secret', '--yes')
    const push = githubPush({ full_name: 'rotated/odoo' }, 'feature/x')
    expect((await deliverGithub(server, 'rotated-webhook-secret', push)).status).toBe(401)
    expect((await deliverGithub(server, String(webhookSecret), push)).status).toBe(202)
    const events = await eventsOf('project.update')
    expect(JSON.stringify(events)).not.toContain(String(webhookSecret))
  })

  test.each([
    [['--repository', 'ftp://x'], 'repository URL'],
    [['--odoo-version', 'latest'], 'Odoo version'],
    [['--rule', 'a=staging'], 'Exactly one branch rule'],
    [['--add-rule', 'b=production'], 'Exactly one branch rule'],
    [['--production-branch', 'a..b'], 'not a branch name'],
    [[], 'Nothing of shop is to change'],
  ])('refuses %j, and says why', async (options, why) => {
    const { code, stderr } = await cli('project', 'update', 'shop', ...options)
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)])
  })
})

describe('project rename', () => {
  test('gives another name, and the old one to nobody', async () => {
    await create('before')
    expect(await json('project', 'rename', 'before', 'after')).toMatchObject({ name: 'after' })
    expect((await cli('project', 'show', 'before')).code).toBe(3)
    await expect(create('before')).rejects.toMatchObject({ reason: 'project-exists' })
    const taken = await cli('project', 'rename', 'shop', 'before')
    expect(taken.stderr).toContain('is what the project after was called')
    // Its deliveries go by the repository, not by the name.
    const push = githubPush({ full_name: 'before/odoo' }, 'feature/x')
    expect((await deliverGithub(server, 'before-webhook-secret', push)).answer).toMatchObject({
      project: 'after',
      outcome: 'build-queued',
    })
    expect((await eventsOf('project.rename')).map(({ details }) => details)).toEqual([
      { before: 'before', now: 'after' },
    ])
  })

  test('takes its own former name back', async () => {
    await create('there')
    await json('project', 'rename', 'there', 'back')
    await json('project', 'rename', 'back', 'there')
    expect((await getProject(context, tenant.caller, 'there')).name).toBe('there')
  })

  test('waits for what runs', async () => {
    await create('busy')
    const busy = { ...tenant, project: 'busy' }
    const build = await arrangeBuild(context, busy, 'feature/x')
    const refused = await cli('project', 'rename', 'busy', 'idle')
    expect(refused.stderr).toContain(`fairway build cancel busy ${build.number}`)
    await finishBuild(busy, build)
    expect(await json('project', 'rename', 'busy', 'idle')).toMatchObject({ name: 'idle' })
  })
})

describe('project archive', () => {
  test('lets nothing start, says why, and is taken back', async () => {
    await create('resting')
    const push = (branch: string) =>
      deliverGithub(server, 'resting-webhook-secret', githubPush({ full_name: 'resting/odoo' }, branch))
    await json('project', 'archive', 'resting')
    expect((await push('feature/x')).answer).toMatchObject({ outcome: 'ignored' })
    const branches = JSON.parse((await cli('branch', 'list', 'resting', '--json')).stdout)
    expect(branches).toMatchObject([{ name: 'feature/x', ignored: { reason: 'project-archived' } }])
    const build = await cli('build', 'start', 'resting', 'feature/x')
    expect(build.stderr).toContain('fairway project unarchive resting')
    expect((await cli('project', 'list')).stdout).not.toContain('resting')
    expect((await cli('project', 'list', '--all')).stdout).toContain('resting')
    await json('project', 'unarchive', 'resting')
    expect((await push('feature/x')).answer).toMatchObject({ outcome: 'build-queued' })
  })
})

describe('project delete', () => {
  const destroyed = (project: string) =>
    tenant.scope(async (tx) => {
      const { id } = await tx
        .selectFrom('projects')
        .select('id')
        .where('name', '=', project)
        .executeTakeFirstOrThrow()
      // As the scheduler would, with an agent.
      await tx.updateTable('environments').set({ status: 'destroyed' }).where('project_id', '=', id).execute()
      return await tx
        .updateTable('runs')
        .set({ status: 'succeeded', advance_at: null })
        .where('project_id', '=', id)
        .where('kind', '=', 'destroy')
        .returning('id')
        .execute()
    })

  test('is refused while there is a production, and without its name', async () => {
    await create('alive')
    const alive = { ...tenant, project: 'alive' }
    await finishBuild(alive, await arrangeBuild(context, alive, 'main'))
    const refused = await cli('project', 'delete', 'alive', '--confirm', 'alive')
    expect(refused.stderr).toContain('fairway env destroy alive production --confirm production')
    await create('named')
    expect((await cli('project', 'delete', 'named')).stderr).toContain('--confirm named')
    expect((await cli('project', 'delete', 'named', '--confirm', 'name')).stderr).toContain('--confirm named')
    expect((await getProject(context, tenant.caller, 'named')).deletedAt).toBe(undefined)
  })

  test('destroys what runs first, then takes everything that lets in, and keeps what was done', async () => {
    await create('ended')
    const ended = { ...tenant, project: 'ended' }
    await finishBuild(ended, await arrangeBuild(context, ended, 'feature/x'))
    const plan = await json('project', 'delete', 'ended', '--plan')
    expect(plan).toMatchObject({ environments: ['feature-x'], runs: 1, blocker: '' })
    const first = await deleteProject(context, tenant.caller, 'ended', 'ended')
    expect(first).toMatchObject({ deleted: false, runIds: [expect.any(String)] })
    // Asked again meanwhile, it begins nothing twice.
    expect(await deleteProject(context, tenant.caller, 'ended', 'ended')).toEqual(first)
    expect(await destroyed('ended')).toEqual([{ id: first.runIds[0] }])
    expect(await json('project', 'delete', 'ended', '--confirm', 'ended')).toMatchObject({ deleted: true })

    const push = githubPush({ full_name: 'ended/odoo' }, 'feature/x')
    expect((await deliverGithub(server, 'ended-webhook-secret', push)).status).toBe(401)
    expect((await cli('build', 'start', 'ended', 'feature/x')).stderr).toContain('was deleted on')
    expect((await cli('project', 'unarchive', 'ended')).stderr).toContain('was deleted on')
    await expect(create('ended')).rejects.toMatchObject({ reason: 'project-exists' })
    expect(await json('build', 'show', 'ended', '1')).toMatchObject({ number: 1 })
    expect((await eventsOf('project.delete')).map(({ details }) => details)).toMatchObject([
      { name: 'ended', runs: 2 },
    ])
  })
})

describe('what was mistyped', () => {
  const missing = {
    resolve: { status: 'failed', reason: 'branch-missing', error: 'there is no branch feature/helo' },
  } as const
  const listed = async (noun: string) => JSON.stringify(await json(noun, 'list', 'slips'))
  let slips: Tenant

  beforeAll(async () => {
    await create('slips')
    slips = { ...tenant, project: 'slips' }
  })

  test('a branch that no repository has is listed no more, nor is its environment', async () => {
    const { runId } = await arrangeBuild(context, slips, 'feature/helo')
    expect(await listed('branch')).toContain('feature/helo')
    await playRun(context, slips, runId, { failures: missing })
    expect(await listed('branch')).not.toContain('helo')
    expect(await listed('env')).not.toContain('helo')
    // What was tried stays to be looked at.
    expect(await listed('build')).toContain('helo')
    const gone = (await eventsOf('branch.delete')).map(({ details }) => details)
    expect(gone).toContainEqual(expect.objectContaining({ branch: 'feature/helo' }))
  })

  test('one that is made later is there again', async () => {
    await arrangeBuild(context, slips, 'feature/helo')
    expect(await listed('branch')).toContain('feature/helo')
    expect(await listed('env')).toContain('feature-helo')
  })

  test('one that was built, or pushed, is no slip', async () => {
    await finishBuild(slips, await arrangeBuild(context, slips, 'feature/built'))
    await playRun(context, slips, (await arrangeBuild(context, slips, 'feature/built')).runId, {
      failures: missing,
    })
    await deliverGithub(
      server,
      'slips-webhook-secret',
      githubPush({ full_name: 'slips/odoo' }, 'feature/pushed'),
    )
    await playRun(context, slips, (await arrangeBuild(context, slips, 'feature/pushed')).runId, {
      failures: missing,
    })
    for (const noun of ['branch', 'env']) {
      expect(await listed(noun)).toMatch(/feature.built/)
      expect(await listed(noun)).toMatch(/feature.pushed/)
    }
  })

  test('a project whose repository was never read goes at once, production included', async () => {
    await create('typo')
    const typo = { ...tenant, project: 'typo' }
    const denied = { ...missing.resolve, reason: 'repository-denied', error: 'there is no such repository' }
    await playRun(context, typo, (await arrangeBuild(context, typo, 'main')).runId, {
      failures: { resolve: denied },
    })
    await arrangeBuild(context, typo, 'feature/x').then(({ runId }) =>
      playRun(context, typo, runId, { failures: { resolve: denied } }),
    )
    expect(await json('project', 'delete', 'typo', '--plan')).toMatchObject({ environments: [], blocker: '' })
    expect(await json('project', 'delete', 'typo', '--confirm', 'typo')).toMatchObject({ deleted: true })
    expect((await cli('project', 'list')).stdout).not.toContain('typo')
    expect(JSON.stringify(await json('env', 'list'))).not.toContain('typo')
  })
})
