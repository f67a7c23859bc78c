import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TaskContext } from '../../agent/tasks/task.ts'
import { CellStage, type ResolveOutput, type ResolveTask } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { startGitServer } from '../support/git-server.ts'
import { addon, createSourceCases, names, type SourceCases } from '../support/source-cases.ts'

// Projects whose addons are in other repositories, from a commit to a lock.

let cases: SourceCases
beforeAll(async () => {
  cases = await createSourceCases()
}, 60_000)
afterAll(() => cases?.[Symbol.asyncDispose](), 60_000)

/** What Odoo installs by itself beside it is the base image's. */
const askedOf = ({ closure, autoInstalled }: ResolveOutput) =>
  closure.filter((name) => !autoInstalled.includes(name))

describe('oca_dependencies.txt', () => {
  test('brings in repositories, and those that they need, without making their addons own', async () => {
    const project = await cases.start()
    const web = await cases.createOca('web', addon('web_x', ['web'], "'version': '19.0.1.2.0'"))
    await cases.createOca('sale', {
      ...addon('sale_x', ['web_x']),
      ...addon('sale_y', ['nowhere']),
      ...addon('sale_z', ['web'], "'version': '16.0.1.0.0'"),
      ...addon('odd', [], "'data': open('/etc/passwd')"),
      'oca_dependencies.txt': `# comment\nweb\nme ${project.url}.git\n`,
    })
    await project.commit({ ...cases.oca('sale  # for orders'), ...addon('addons/shop', ['sale_x']) })
    const { output, warnings, document } = await cases.resolve(project)
    expect(output.modules).toEqual(['shop'])
    expect(askedOf(output)).toEqual(['base', 'web', 'web_x', 'sale_x', 'shop'])
    expect(names(output)).toEqual([
      '.fairway-sources/sale:sale_x',
      '.fairway-sources/sale:sale_y',
      '.fairway-sources/sale:sale_z',
      '.fairway-sources/web:web_x',
      ':shop',
    ])
    expect(output.addons.find(({ name }) => name === 'web_x')).toMatchObject({
      path: '.fairway-sources/web/web_x',
      version: '19.0.1.2.0',
      treeId: await web.git('rev-parse', 'HEAD:web_x'),
    })
    expect(output.sources).toMatchObject([
      { path: '.fairway-sources/sale', ref: '19.0', declaredIn: 'oca_dependencies.txt:1', merges: [] },
      {
        path: '.fairway-sources/web',
        url: `${cases.url}web`,
        commit: await web.git('rev-parse', 'HEAD'),
        declaredIn: 'sale/oca_dependencies.txt:2',
      },
    ])
    expect(warnings).toEqual([
      'sale/oca_dependencies.txt:3: me is brought in by the project itself already, which holds',
      expect.stringContaining('left out: odd/__manifest__.py:1:'),
    ])
    expect(document).toMatchObject({ version: 2, apt: [], python: [], submodules: [] })
    expect(output.locked).toBe(false)
  }, 60_000)

  test('of a repository that is a submodule already nothing is brought in', async () => {
    const project = await cases.start()
    const web = await cases.createOca('web', addon('web_x', ['web']))
    await cases.createOca('sale', { ...addon('sale_x', ['web_x']), 'oca_dependencies.txt': 'web\n' })
    const files = { ...cases.oca('sale'), ...addon('shop', ['sale_x']) }
    await project.commit({
      ...files,
      '.gitmodules': `[submodule "web"]\n\tpath = oca/web\n\turl = ../${cases.prefix}web\n`,
    })
    await project.git(
      'update-index',
      '--add',
      '--cacheinfo',
      `160000,${await web.git('rev-parse', 'HEAD')},oca/web`,
    )
    await project.git('commit', '-qm', 'pin')
    await project.push()
    const { output, warnings } = await cases.resolve(project)
    expect(names(output)).toEqual(['.fairway-sources/sale:sale_x', ':web_x', ':shop'])
    expect(output.modules).toEqual(['shop', 'web_x'])
    expect(warnings).toEqual([
      'sale/oca_dependencies.txt:1: web is brought in by the submodule oca/web already, which holds',
    ])
  }, 60_000)
})

describe('a project by its path on the host', () => {
  test('is resolved, and what was pushed is searched for secrets', async () => {
    const project = await cases.start()
    const first = await project.commit(addon('shop', ['base']))
    await project.commit(addon('shop', ['web']))
    const { output } = await cases.resolve(await cases.place('project'), { scannedCommit: first })
    expect(names(output)).toEqual([':shop'])
    expect(output.commit).toBe(await project.git('rev-parse', 'HEAD'))
  }, 60_000)

  test('names no other path: neither a submodule beside it, nor a source, nor its lock', async () => {
    const project = await cases.start()
    const other = await cases.createOca('other', addon('other_x'))
    await cases.place('other')
    const resolve = async () => cases.resolve(await cases.place('project'))
    await project.commit({
      ...addon('shop'),
      '.gitmodules': `[submodule "o"]\n\tpath = other\n\turl = ../${cases.prefix}other\n`,
    })
    const commit = await other.git('rev-parse', 'HEAD')
    await project.git('update-index', '--add', '--cacheinfo', `160000,${commit},other`)
    await project.git('commit', '-qm', 'pin')
    await project.push()
    await expect(resolve()).rejects.toMatchObject({
      reason: 'repository-url',
      message: expect.stringContaining('give it an address of its own'),
    })
    await project.commit({ ...addon('shop'), 'oca_dependencies.txt': `x ${cases.pathOf('other')} 19.0\n` })
    await expect(resolve()).rejects.toMatchObject({ reason: expect.stringMatching(/url|invalid/) })
    await project.commit({ ...addon('shop', ['other_x']), ...cases.oca('other') })
    const { lock } = await resolve()
    const pointed = lock.replaceAll(`${cases.url}other`, cases.pathOf('other'))
    expect(pointed).not.toBe(lock)
    await project.commit({
      ...addon('shop', ['other_x']),
      'fairway.yaml': `sources:\n  oca: ${cases.pathOf('')}{}\n`,
      'oca_dependencies.txt': 'other\n',
      'fairway.lock': pointed,
    })
    await expect(resolve()).rejects.toMatchObject({ reason: expect.stringMatching(/url|invalid/) })
  }, 60_000)
})

test('what was served is compared with what is resolved, and where it is gone, nothing hangs on that', async () => {
  const project = await cases.start()
  const servedCommit = await project.commit(addon('shop'), { message: 'Begin' })
  await project.commit({ ...addon('shop'), 'README.md': 'cards' }, { message: 'Cards\n\nat length' })
  const { output } = await cases.resolve(project, { servedCommit })
  expect(output.sinceServed).toMatchObject({
    since: servedCommit,
    added: [{ id: output.commit, author: 'Test <test@example.test>', subject: 'Cards' }],
    addedCount: 1,
    removedCount: 0,
    unknown: '',
  })
  const gone = await cases.resolve(project, { servedCommit: 'c0ffee'.padEnd(40, '0') })
  expect(gone.output.sinceServed).toMatchObject({ addedCount: 0, unknown: expect.stringContaining('c0ffee') })
  expect((await cases.resolve(project)).output.sinceServed).toBeUndefined()
  const byPath = await cases.resolve(await cases.place('project'), { servedCommit })
  expect(byPath.output.sinceServed).toMatchObject({ addedCount: 1, unknown: '' })
})

describe('a lock', () => {
  test('gives the same image again, until it is refreshed or no longer fits', async () => {
    const project = await cases.start()
    const web = await cases.createOca('web', addon('web_x', ['web']))
    await project.commit({ ...cases.oca('web'), ...addon('shop', ['web_x']) })
    const first = await cases.resolve(project)
    await web.commit({ ...addon('web_x', ['web']), ...addon('web_new') }, { branch: '19.0' })

    const pinned = await cases.resolve(project, { lock: first.lock })
    expect(pinned.output).toMatchObject({ imageKey: first.output.imageKey, locked: false })
    expect(pinned.lock).toBe(first.lock)
    const unpinned = await cases.resolve(project)
    expect(unpinned.output.imageKey).not.toBe(first.output.imageKey)
    const refreshed = await cases.resolve(project, { lock: first.lock, refresh: true })
    expect(refreshed.output.imageKey).toBe(unpinned.output.imageKey)

    await project.commit({ ...cases.oca('web'), ...addon('shop', ['web_x']), 'fairway.lock': first.lock })
    const committed = await cases.resolve(project, { lock: unpinned.lock })
    expect(committed.output).toMatchObject({ imageKey: first.output.imageKey, locked: true })
    expect(committed.warnings).toEqual([])
    expect((await cases.resolve(project, { refresh: true })).output).toMatchObject({
      imageKey: unpinned.output.imageKey,
      locked: false,
    })

    const moved = `web ${cases.url}web feature`
    await web.commit(addon('web_x', ['web'], "'auto_install': True"), { branch: 'feature' })
    await project.commit({ ...cases.oca(moved), ...addon('shop', ['web_x']), 'fairway.lock': first.lock })
    const anew = await cases.resolve(project)
    expect(anew.output.sources[0]?.commit).toBe(await web.git('rev-parse', 'HEAD'))
    expect(anew.warnings).toEqual([
      expect.stringMatching(
        /^fairway\.lock: \.fairway-sources\/web is pinned for 19\.0 of .*, but oca_dependencies\.txt:1 asks for feature of .*; run `fairway lock --update`$/,
      ),
    ])
  }, 120_000)

  test('that is broken, or pins what is gone, says so', async () => {
    const project = await cases.start()
    await cases.createOca('web', addon('web_x', ['web']))
    const files = { ...cases.oca('web'), ...addon('shop', ['web_x']) }
    await project.commit(files)
    const { lock } = await cases.resolve(project)
    await project.commit({ ...files, 'fairway.lock': '{"version": 2, <<<' })
    await expect(cases.resolve(project)).rejects.toMatchObject({
      reason: 'lock-invalid',
      message: expect.stringMatching(/^fairway\.lock:1:16: no JSON: /),
    })
    const pin = JSON.parse(lock).sources[0].commit
    await project.commit({ ...files, 'fairway.lock': lock.replaceAll(pin, '1'.repeat(40)) })
    await expect(cases.resolve(project)).rejects.toMatchObject({
      reason: 'commit-missing',
      message: expect.stringMatching(
        /^oca_dependencies\.txt:1: .*it is pinned in fairway\.lock: run `fairway lock --update`$/,
      ),
    })
  }, 60_000)
})

describe('what does not come together', () => {
  test.each<[string, () => Record<string, string>, string, RegExp]>([
    [
      'a repository',
      () => cases.oca('absent'),
      'repository-denied',
      /^oca_dependencies\.txt:1: .*absent cannot be read/,
    ],
    [
      'an address',
      () => cases.oca('x file:///etc'),
      'repository-url',
      /^oca_dependencies\.txt:1: file:\/\/\/etc: only /,
    ],
    [
      'a password',
      () => cases.oca('x https://a:b@git.example/x'),
      'repository-url',
      /^oca_dependencies\.txt:1: https:\/\/git/,
    ],
    [
      'a token for a user',
      () => cases.oca('x https://t0ken@git.example/x'),
      'repository-url',
      /^oca_dependencies\.txt:1: https:\/\/git/,
    ],
    [
      'a user with an @',
      () => cases.oca('x https://a@b:c@git.example/x'),
      'repository-url',
      /^oca_dependencies\.txt:1: https:\/\/git/,
    ],
    ['a line', () => cases.oca('x', '../y'), 'sources-invalid', /^oca_dependencies\.txt:2: /],
    [
      'something to run',
      () => ({
        'repos.yaml': 'x:\n  remotes: {o: "https://x/y"}\n  merges: [o 1]\n  shell_command_after: id\n',
      }),
      'sources-invalid',
      /^repos\.yaml:1: `shell_command_after` is refused/,
    ],
  ])(
    '%s',
    async (_name, files, reason, message) => {
      const project = await cases.start()
      await project.commit(files())
      await expect(cases.resolve(project)).rejects.toMatchObject({
        reason,
        message: expect.stringMatching(message),
      })
    },
    60_000,
  )

  test('a branch that is not there, two of a module, and another series are named', async () => {
    const project = await cases.start()
    await cases.createOca('web', {
      ...addon('web_x', ['web']),
      ...addon('web_old', [], "'version': '16.0.1.0.0'"),
    })
    const url = `${cases.url}web`
    await project.commit(cases.oca(`web ${url} nowhere`))
    await expect(cases.resolve(project)).rejects.toMatchObject({
      reason: 'ref-missing',
      message: `oca_dependencies.txt:1: ${url} has no branch or tag nowhere: it was deleted or renamed`,
    })
    const twice = { ...cases.oca('web'), ...addon('addons/web_x') }
    await project.commit(twice)
    await expect(cases.resolve(project)).rejects.toMatchObject({
      reason: 'addon-duplicate',
      message: expect.stringContaining(
        `addons/web_x (the repository); web_x of web (${url}, asked for by oca_dependencies.txt:1)`,
      ),
    })
    const exclude = `${twice['fairway.yaml']}  exclude: [web/web_x]\n`
    await project.commit({ ...twice, 'fairway.yaml': exclude })
    expect(names((await cases.resolve(project)).output)).toEqual(
      [':web_x', '.fairway-sources/web:web_old'].sort(),
    )
    await project.commit({ ...cases.oca('web'), ...addon('shop', ['web_old']) })
    await expect(cases.resolve(project)).rejects.toMatchObject({
      reason: 'series-mismatch',
      message:
        'the module web_old (web_old/__manifest__.py of web) has version 16.0.1.0.0, but the project is for Odoo 19.0, needed by shop → web_old; migrate it, or take it out of `depends` of shop',
    })
  }, 120_000)

  test('a stage that does not close is no fault of the one that is asked for', async () => {
    const project = await cases.start()
    await project.commit({
      'fairway.yaml': 'production:\n  modules: [nowhere]\nstaging:\n  modules: []\n',
      ...addon('shop', ['web']),
    })
    const { output } = await cases.resolve(project)
    const stages = Object.fromEntries(output.stages.map(({ stage, ...rest }) => [stage, rest]))
    expect(stages[CellStage.PRODUCTION]).toMatchObject({
      modules: ['nowhere'],
      closure: [],
      error: expect.stringContaining('missing module: nowhere'),
    })
    expect(stages[CellStage.STAGING]).toMatchObject({
      modules: [],
      closure: expect.arrayContaining(['base', 'web']),
      autoInstalled: expect.arrayContaining(['web']),
      error: '',
    })
    expect(stages[CellStage.DEVELOPMENT]).toMatchObject({
      modules: ['shop'],
      closure: output.closure,
      baseModules: output.closure.filter((name) => name !== 'shop'),
    })
    await expect(cases.resolve(project, { stage: CellStage.PRODUCTION })).rejects.toMatchObject({
      reason: 'dependency-missing',
    })
  }, 60_000)
})

test('private repositories are read with the credentials of the task, which leave nothing', async () => {
  await using hidden = await startGitServer({ basicAuth: 'deploy:s3cret-token' })
  const web = await hidden.createRepository('web')
  await web.commit(addon('web_x', ['web']), { branch: '19.0' })
  const project = await cases.start()
  await project.commit({ ...cases.oca(`web ${web.url}`), ...addon('shop', ['web_x']) })
  await expect(cases.resolve(project)).rejects.toMatchObject({ reason: 'repository-denied' })
  const { host } = new URL(hidden.url)
  const values: Record<string, string> = {
    [`git:${host}/USERNAME`]: 'deploy',
    [`git:${host}/PASSWORD`]: 's3cret-token',
  }
  const asked: string[] = []
  const secrets: TaskContext['secrets'] = async (refs) => {
    asked.push(...refs.map(({ name }) => name))
    return Object.fromEntries(refs.map(({ name }) => [name, values[name] ?? '']))
  }
  const credentials = [...Object.keys(values), 'registry:r.example/PASSWORD'].map((name) => ({ name }))
  const { output, lock } = await cases.resolve(project, { credentials } as Partial<ResolveTask>, { secrets })
  expect(output.closure).toContain('web_x')
  // Once for all that the task needs.
  expect(asked).toEqual(credentials.map(({ name }) => name))
  expect(lock).not.toContain('s3cret')
  expect(await readdir(join(cases.services.workDirectory, 'tasks'))).toEqual([])
}, 60_000)
