import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type BaseDocument, describeBase } from '../../lib/repository/base-document.ts'
import { runCli } from '../support/cli.ts'
import { addArtifact } from '../support/play-run.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant } from '../support/tenant.ts'

// `fairway check`, the program, on working copies of git; that it says what a build says is in odoo-rules.test.ts.

type Files = Record<string, string>
interface Check {
  readonly result: string
  readonly baseImage: string
  readonly unjudged: string[]
  readonly findings: readonly {
    readonly level: string
    readonly reason: string
    readonly message: string
    readonly stages: string[]
    readonly file?: string
    readonly line?: number
  }[]
}

let directory: string
let copy: string
let env: Record<string, string>
let copies = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-check-test-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))
beforeEach(() => {
  copy = join(directory, `copy-${++copies}`)
  env = {
    HOME: directory,
    XDG_CACHE_HOME: join(directory, `cache-${copies}`),
    XDG_CONFIG_HOME: join(directory, 'config'),
    GIT_CONFIG_NOSYSTEM: '1',
  }
})

const module = (path: string, depends: string[] = [], more = ''): Files => ({
  [`${path}/__init__.py`]: '',
  [`${path}/__manifest__.py`]: `{'name': 'x', 'version': '19.0.1.0.0', 'depends': ${JSON.stringify(depends)}, ${more}}\n`,
})

async function write(files: Files, folder = copy): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
}

async function git(...args: string[]): Promise<void> {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.test']
  await promisify(execFile)('git', ['-C', copy, ...identity, ...args], { env: { ...process.env, ...env } })
}

async function commit(files: Files): Promise<void> {
  await write(files)
  await git('init', '--quiet', '-b', 'main')
  await git('add', '--all', '--force')
  await git('commit', '--quiet', '-m', 'Begin')
}

const cli = (...words: string[]) => runCli(['check', ...words], env)

async function check(
  ...words: string[]
): Promise<Check & { code: number; said: (level: string) => string[] }> {
  const { code, stdout, stderr } = await cli(copy, ...words, '--json')
  expect(stderr).toBe('')
  const found: Check = JSON.parse(stdout)
  const said = (level: string) =>
    found.findings.filter((one) => one.level === level).map(({ message }) => message)
  return { ...found, code, said }
}

const base: BaseDocument = {
  image: 'registry.example/odoo:19.0',
  digest: `sha256:${'1'.repeat(64)}`,
  odooVersion: '19.0',
  modules: Object.fromEntries(
    Object.entries({ base: [], web: ['base'], sale: ['web'] }).map(([name, depends]) => [
      name,
      {
        file: `/odoo/addons/${name}/__manifest__.py`,
        depends,
        installable: true,
        countries: [],
        excludes: [],
        version: '1.0',
        writtenVersion: { text: '1.0', isString: true },
        externalPython: [],
        externalBin: [],
        faults: [],
        neutralize: false,
        unread: '',
      },
    ]),
  ),
  distributions: {},
  executables: [],
}

describe('without a server', () => {
  test('what a push may take along is read, and nothing that is ignored', async () => {
    await commit({
      ...module('shop', ['sale']),
      '.gitignore': '/.venv/\n',
      'fairway.yaml': "odoo: '19.0'\n",
    })
    await write({
      ...module('.venv/addons/sale_old', [], "'version': '1'"),
      ...module('till', ['shop', 'stock']),
    })
    const found = await check('--offline')
    expect(found).toMatchObject({ code: 0, result: 'not judged', baseImage: '', unjudged: ['sale', 'stock'] })
    expect(found.said('error')).toEqual([])
    expect(found.said('note')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^2 files differ from the last commit, [0-9a-f]+: till\/__init__\.py, till\/__manifest__\.py; a push takes along/,
        ),
        expect.stringContaining("taken to be Odoo's own, or in what is not looked at here: sale, stock"),
      ]),
    )
    expect((await check('--offline', '--strict')).code).toBe(1)
    expect(await readdir(join(copy, '.git'))).not.toContainEqual(expect.stringMatching(/^fairway/))
  })

  test('all that is wrong is said at once, with its place and the stages that it is about', async () => {
    await commit({
      ...module('shop', [], "'data': ['views/shop.xml']"),
      ...module('till', ['my_mod']),
      ...module('my-mod'),
      'requirements.txt': 'num2words\n./local\n',
      'fairway.yaml': "odoo: '19.0'\nproduction: { modules: [till] }\n",
    })
    const { code, findings } = await check('--offline')
    const errors = findings.filter(({ level }) => level === 'error')
    expect(code).toBe(1)
    expect(errors).toMatchObject([
      { reason: 'requirements-invalid', file: 'requirements.txt', line: 2 },
      { reason: 'dependency-missing' },
    ])
    expect(errors[1]?.message).toContain('my_mod (needed by till → my_mod; left out: my-mod/__manifest__.py:')

    await write({ 'fairway.yaml': "odoo: '19.0'\nproduction: { modules: [shop] }\n" })
    const again = (await check('--offline')).findings.filter(({ level }) => level === 'error')
    expect(again).toMatchObject([
      { reason: 'requirements-invalid' },
      { reason: 'data-missing', stages: ['production'], file: 'shop/__manifest__.py' },
      { reason: 'dependency-missing', stages: ['staging', 'development'] },
    ])
  })

  test('fairway.yaml, a broken lock, an address with a password', async () => {
    await commit({ ...module('shop'), 'fairway.yaml': 'odooo: "19.0"\n' })
    expect((await check('--offline')).said('error')).toEqual([
      'fairway.yaml:1:1: unknown key `odooo`, did you mean `odoo`?',
    ])
    await write({
      'fairway.yaml': '',
      'fairway.lock': '{}',
      'oca_dependencies.txt': 'web https://me:secret@git.example/web\n',
    })
    const found = await check('--offline')
    expect(found.said('error')).toEqual([
      expect.stringMatching(/^fairway\.lock/),
      expect.stringMatching(
        /^oca_dependencies\.txt:1: https:\/\/git\.example\/web: an address with a user or password/,
      ),
    ])
    expect(JSON.stringify(found)).not.toContain('secret@')
  })

  test('secrets are found, accepted and left out, and not searched for where one does not want it', async () => {
    // In two pieces, so that no search takes this file for one with a secret.
    const token = ['xoxb', '123456789012', '1234567890123', 'AbCdEfGhIjKlMnOpQrStUvWx'].join('-')
    await commit({ ...module('shop'), 'shop/key.py': `TOKEN = '${token}'\n` })
    const { code, findings } = await check('--offline')
    expect(code).toBe(1)
    const [error] = findings.filter(({ level }) => level === 'error')
    expect(error).toMatchObject({ reason: 'secrets-found' })
    const [, fingerprint = ''] = /accept: \[([^\]]+)\]/.exec(error?.message ?? '') ?? []
    expect((await check('--offline', '--no-secrets')).code).toBe(0)
    await write({ 'fairway.yaml': `secret_scan: { accept: [${fingerprint}] }\n` })
    expect((await check('--offline')).code).toBe(0)
  })

  test('links that lead out, folders that became links, and git’s words in a hook mislead nobody', async () => {
    await commit({ ...module('shop'), ...module('more/old') })
    await write({ 'outside/__manifest__.py': '{', 'outside/old/__manifest__.py': '{' }, directory)
    await rm(join(copy, 'more'), { recursive: true })
    await symlink(join(directory, 'outside'), join(copy, 'more'))
    const hooked = { ...env, GIT_DIR: join(directory, 'no-such-repository'), GIT_INDEX_FILE: '/nowhere' }
    const { code, stdout } = await runCli(['check', copy, '--offline', '--json'], hooked)
    expect(code).toBe(1)
    const errors = (JSON.parse(stdout) as Check).findings.filter(({ level }) => level === 'error')
    expect(errors).toMatchObject([
      {
        reason: 'symlink-escapes',
        message: expect.stringMatching(/^more is a symbolic link that leads out/),
      },
    ])
  })

  test('a file that Git LFS has is a pointer to a build, whatever the folder shows', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\\noid sha256:${'7'.repeat(64)}\\nsize 5\\n`
    await write({
      ...module('shop', [], "'data': ['a.xml', 'b.xml']"),
      '.gitattributes': '*.xml filter=lfs\n',
      'shop/a.xml': '<odoo/>',
      'shop/b.xml': '<odoo/>',
    })
    await git('init', '--quiet', '-b', 'main')
    await git('add', 'shop/b.xml')
    await git('config', 'filter.lfs.clean', `sh -c "printf '${pointer}'"`)
    await git('add', '.gitattributes', 'shop/a.xml', 'shop/__init__.py', 'shop/__manifest__.py')
    await git('commit', '--quiet', '-m', 'Begin')
    expect((await check('--offline')).said('error')).toEqual([
      expect.stringMatching(
        /^shop\/__manifest__\.py names "a\.xml", which is a pointer of Git LFS[^;]*; commit[^;]*: Odoo stops/,
      ),
    ])
  })

  test('of a submodule what is checked out is read, and the rest said', async () => {
    await commit(module('web_x'))
    const web = copy
    copy = join(directory, `copy-${++copies}`)
    await commit(module('shop', ['web_x', 'web_y']))
    await git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', web, 'oca/web')
    expect((await check('--offline')).said('error')).toEqual([
      expect.stringMatching(/only https, http, ssh addresses can be fetched$/),
    ])
    await git('config', '--file', '.gitmodules', 'submodule.oca/web.url', '../web')
    await git('commit', '--quiet', '--all', '-m', 'Take it in')
    expect((await check('--offline')).unjudged).toEqual(['web_y'])
    await git('submodule', '--quiet', 'deinit', '--force', 'oca/web')
    const without = await check('--offline')
    expect(without).toMatchObject({ code: 0, unjudged: ['web_x', 'web_y'] })
    expect(without.said('note')).toContainEqual(
      expect.stringMatching(/^not looked at: the submodule oca\/web, not checked out/),
    )
  })

  test('a folder without git is read as it is; what is no folder is wrong use', async () => {
    await write(module('shop', [], "'data': ['gone.xml']"))
    const found = await check('--offline')
    expect(found.said('note')[0]).toContain('no working copy of git')
    expect(found.said('error')).toEqual([expect.stringContaining('names "gone.xml", which is not there')])
    expect((await cli(join(copy, 'nowhere'))).code).toBe(2)
    const shown = await cli(copy, '--offline')
    expect(shown.stdout).toMatch(
      /^Errors: a build would be red\n {2}- shop\/__manifest__\.py names "gone\.xml"/,
    )
    expect(shown.stdout).toMatch(/not fine, 1 error, 0 warnings\n$/)
  })

  test('ten thousand files', async () => {
    const files: Files = {}
    for (let addon = 0; addon < 100; addon++) {
      Object.assign(files, module(`part_${addon}`, addon > 0 ? [`part_${addon - 1}`] : []))
      for (let file = 0; file < 98; file++) files[`part_${addon}/static/f${file}.txt`] = `${addon} ${file}\n`
    }
    await commit({ ...files, 'fairway.yaml': "odoo: '19.0'\n" })
    const found = await check('--offline')
    expect(found).toMatchObject({ code: 0, result: 'fine', unjudged: [] })
  }, 120_000)
})

describe('with a server', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server?.close())

  test('the base image decides, is remembered by its digest, and serves where no server answers', async () => {
    const { organizationId, token } = await server.createTenant('people')
    const tenant = await arrangeTenant(server.context, organizationId, 'shop')
    await commit({ ...module('shop', ['sale', 'stokc']), 'fairway.yaml': "odoo: '19.0'\n" })
    await git('remote', 'add', 'origin', 'git@git.example:shop/odoo.git')
    env = { ...env, FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
    const unbuilt = await check()
    expect(unbuilt).toMatchObject({ code: 0, unjudged: ['sale', 'stokc'] })
    expect(unbuilt.said('note')).toContainEqual(expect.stringContaining('There is no base-image of shop'))

    const { runId } = await arrangeBuild(server.context, tenant, 'main')
    await addArtifact(server.context, tenant, runId, 'base-image.json', describeBase(base))
    const known = await check()
    expect(known).toMatchObject({ code: 1, baseImage: `${base.image}@${base.digest}`, unjudged: [] })
    const missing = [
      'missing module: stokc (needed by shop → stokc); looked in the repository (all folders: 1 addons) and ' +
        'the image registry.example/odoo:19.0 (3 modules); see shop/__manifest__.py',
    ]
    expect(known.said('error')).toEqual(missing)
    expect(await readdir(join(env.XDG_CACHE_HOME ?? '', 'fairway', 'base-images'))).toContain(
      `${base.digest.replace(':', '-')}.json`,
    )
    expect((await check('--offline')).said('error')).toEqual(missing)
    env = { ...env, FAIRWAY_TOKEN: '' }
    expect((await check()).said('error')).toEqual(missing)
    env = { ...env, FAIRWAY_TOKEN: token }
    expect((await cli(copy, '--project', 'nothing')).code).toBe(3)
    expect((await check('--project', 'shop')).said('error')).toEqual(missing)

    await write({ 'fairway.yaml': "odoo: '18.0'\n" })
    expect((await check()).said('error')[0]).toBe(
      'the project is for Odoo 18.0, but the base image registry.example/odoo:19.0 holds Odoo 19.0: change one of them in fairway.yaml',
    )
    await write({ 'fairway.yaml': "odoo: '19.0'\n", ...module('shop', ['sale']) })
    expect(await check('--strict')).toMatchObject({ code: 0, result: 'fine', unjudged: [] })
  }, 60_000)
})
