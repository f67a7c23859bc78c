import { readdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type BaseDocument, describeBase } from '../../lib/repository/base-document.ts'
import { runCli } from '../support/cli.ts'
import { addArtifact } from '../support/play-run.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant } from '../support/tenant.ts'
import {
  addon,
  type Check,
  type Files,
  openWorkingCopies,
  type WorkingCopies,
} from '../support/working-copies.ts'

// `fairway check`, the program, on working copies of git; that it says what a build says is in odoo-rules.test.ts.

let copies: WorkingCopies
beforeAll(async () => {
  copies = await openWorkingCopies()
})
afterAll(() => copies?.close())
beforeEach(() => copies.begin())

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
  test('a folder with nothing in it is no working copy that could be fine', async () => {
    const { code, stderr } = await runCli(['check', copies.directory, '--offline'], {
      ...copies.env,
      GIT_CEILING_DIRECTORIES: copies.directory,
    })
    expect(stderr).toContain('There is nothing to check in')
    expect(code).toBe(2)
  })

  test('what a push may take along is read, and nothing that is ignored', async () => {
    await copies.commit({
      ...addon('shop', ['sale']),
      '.gitignore': '/.venv/\n',
      'fairway.yaml': "odoo: '19.0'\n",
    })
    await copies.write({
      ...addon('.venv/addons/sale_old', [], "'version': '1'"),
      ...addon('till', ['shop', 'stock']),
    })
    const found = await copies.check('--offline')
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
    expect((await copies.check('--offline', '--strict')).code).toBe(1)
    expect(await readdir(join(copies.env.XDG_CACHE_HOME ?? '', 'fairway', 'check'))).toEqual([])
  })

  test('all that is wrong is said at once, with its place and the stages that it is about', async () => {
    await copies.commit({
      ...addon('shop', [], "'data': ['views/shop.xml']"),
      ...addon('till', ['my_mod']),
      ...addon('my-mod'),
      'requirements.txt': 'num2words\n./local\n',
      'fairway.yaml': "odoo: '19.0'\nproduction: { modules: [till] }\n",
    })
    const { code, findings } = await copies.check('--offline')
    const errors = findings.filter(({ level }) => level === 'error')
    expect(code).toBe(1)
    expect(errors).toMatchObject([
      { reason: 'requirements-invalid', file: 'requirements.txt', line: 2 },
      { reason: 'dependency-missing' },
    ])
    expect(errors[1]?.message).toContain('my_mod (needed by till → my_mod; left out: my-mod/__manifest__.py:')

    await copies.write({ 'fairway.yaml': "odoo: '19.0'\nproduction: { modules: [shop] }\n" })
    const again = (await copies.check('--offline')).findings.filter(({ level }) => level === 'error')
    expect(again).toMatchObject([
      { reason: 'requirements-invalid' },
      { reason: 'data-missing', stages: ['production'], file: 'shop/__manifest__.py' },
      { reason: 'dependency-missing', stages: ['staging', 'development'] },
    ])
  })

  test('fairway.yaml, a broken lock, an address with a password', async () => {
    await copies.commit({ ...addon('shop'), 'fairway.yaml': 'odooo: "19.0"\n' })
    expect((await copies.check('--offline')).said('error')).toEqual([
      'fairway.yaml:1:1: unknown key `odooo`, did you mean `odoo`?',
    ])
    await copies.write({
      'fairway.yaml': '',
      'fairway.lock': '{}',
      'oca_dependencies.txt': 'web https://me:secret@git.example/web\n',
    })
    const found = await copies.check('--offline')
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
    await copies.commit({ ...addon('shop'), 'shop/key.py': `TOKEN = '${token}'\n` })
    const { code, findings } = await copies.check('--offline')
    expect(code).toBe(1)
    const [error] = findings.filter(({ level }) => level === 'error')
    expect(error).toMatchObject({ reason: 'secrets-found' })
    const [, fingerprint = ''] = /accept: \[([^\]]+)\]/.exec(error?.message ?? '') ?? []
    expect((await copies.check('--offline', '--no-secrets')).code).toBe(0)
    await copies.write({ 'fairway.yaml': `secret_scan: { accept: [${fingerprint}] }\n` })
    expect((await copies.check('--offline')).code).toBe(0)
  })

  test('links that lead out, folders that became links, and git’s words in a hook mislead nobody', async () => {
    await copies.commit({ ...addon('shop'), ...addon('more/old') })
    await copies.write(
      { 'outside/__manifest__.py': '{', 'outside/old/__manifest__.py': '{' },
      copies.directory,
    )
    await rm(join(copies.folder, 'more'), { recursive: true })
    await symlink(join(copies.directory, 'outside'), join(copies.folder, 'more'))
    const hooked = {
      ...copies.env,
      GIT_DIR: join(copies.directory, 'no-such-repository'),
      GIT_INDEX_FILE: '/nowhere',
    }
    const { code, stdout } = await runCli(['check', copies.folder, '--offline', '--json'], hooked)
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
    await copies.write({
      ...addon('shop', [], "'data': ['a.xml', 'b.xml']"),
      '.gitattributes': '*.xml filter=lfs\n',
      'shop/a.xml': '<odoo/>',
      'shop/b.xml': '<odoo/>',
    })
    await copies.git('init', '--quiet', '-b', 'main')
    await copies.git('add', 'shop/b.xml')
    await copies.git('config', 'filter.lfs.clean', `sh -c "printf '${pointer}'"`)
    await copies.git('add', '.gitattributes', 'shop/a.xml', 'shop/__init__.py', 'shop/__manifest__.py')
    await copies.git('commit', '--quiet', '-m', 'Begin')
    expect((await copies.check('--offline')).said('error')).toEqual([
      expect.stringMatching(
        /^shop\/__manifest__\.py names "a\.xml", which is a pointer of Git LFS[^;]*; commit[^;]*: Odoo stops/,
      ),
    ])
  })

  test('of a submodule what is checked out is read, and the rest said', async () => {
    await copies.commit(addon('web_x'))
    const web = copies.folder
    copies.begin()
    await copies.commit(addon('shop', ['web_x', 'web_y']))
    await copies.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', web, 'oca/web')
    expect((await copies.check('--offline')).said('error')).toEqual([
      expect.stringMatching(/only https, http, ssh addresses can be fetched$/),
    ])
    await copies.git('config', '--file', '.gitmodules', 'submodule.oca/web.url', '../web')
    await copies.git('commit', '--quiet', '--all', '-m', 'Take it in')
    expect((await copies.check('--offline')).unjudged).toEqual(['web_y'])
    await copies.git('submodule', '--quiet', 'deinit', '--force', 'oca/web')
    const without = await copies.check('--offline')
    expect(without).toMatchObject({ code: 0, unjudged: ['web_x', 'web_y'] })
    expect(without.said('note')).toContainEqual(
      expect.stringMatching(/^not looked at: the submodule oca\/web, not checked out/),
    )
  })

  test('a folder without git is read as it is; what is no folder is wrong use', async () => {
    await copies.write(addon('shop', [], "'data': ['gone.xml']"))
    const found = await copies.check('--offline')
    expect(found.said('note')[0]).toContain('no working copy of git')
    expect(found.said('error')).toEqual([expect.stringContaining('names "gone.xml", which is not there')])
    expect((await copies.cli(join(copies.folder, 'nowhere'))).code).toBe(2)
    const shown = await copies.cli(copies.folder, '--offline')
    expect(shown.stdout).toMatch(
      /^Errors: a build would be red\n {2}- shop\/__manifest__\.py names "gone\.xml"/,
    )
    expect(shown.stdout).toMatch(/not fine, 1 error, 0 warnings\n$/)
  })

  test('ten thousand files', async () => {
    const files: Files = {}
    for (let part = 0; part < 100; part++) {
      Object.assign(files, addon(`part_${part}`, part > 0 ? [`part_${part - 1}`] : []))
      for (let file = 0; file < 98; file++) files[`part_${part}/static/f${file}.txt`] = `${part} ${file}\n`
    }
    await copies.commit({ ...files, 'fairway.yaml': "odoo: '19.0'\n" })
    const found = await copies.check('--offline')
    expect(found).toMatchObject({ code: 0, result: 'fine', unjudged: [] })
  }, 120_000)
})

describe('with a server', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ odooImage: base.image })
  })
  afterAll(() => server?.close())

  test('the base image decides, is remembered, and serves where no server answers', async () => {
    const { organizationId, token } = await server.createTenant('people')
    const tenant = await arrangeTenant(server.context, organizationId, 'shop')
    await copies.commit({ ...addon('shop', ['sale', 'stokc']), 'fairway.yaml': "odoo: '19.0'\n" })
    await copies.git('remote', 'add', 'origin', 'git@git.example:shop/odoo.git')
    copies.env = { ...copies.env, FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
    const unbuilt = await copies.check()
    expect(unbuilt).toMatchObject({ code: 0, unjudged: ['sale', 'stokc'] })
    expect(unbuilt.said('note')).toContainEqual(expect.stringContaining('There is no base image of shop'))

    const { runId } = await arrangeBuild(server.context, tenant, 'main')
    await addArtifact(server.context, tenant, runId, 'base-image.json', describeBase(base))
    const known = await copies.check()
    expect(known).toMatchObject({ code: 1, baseImage: `${base.image}@${base.digest}`, unjudged: [] })
    const missing = [
      'missing module: stokc (needed by shop → stokc); looked in the repository (all folders: 1 addons) and ' +
        'the image registry.example/odoo:19.0 (3 modules); see shop/__manifest__.py',
    ]
    expect(known.said('error')).toEqual(missing)
    expect((await copies.check('--offline')).said('error')).toEqual(missing)
    copies.env = { ...copies.env, FAIRWAY_TOKEN: '' }
    expect((await copies.check()).said('error')).toEqual(missing)
    copies.env = { ...copies.env, FAIRWAY_TOKEN: token }
    expect((await copies.cli(copies.folder, '--project', 'nothing')).code).toBe(3)
    expect((await copies.check('--project', 'shop')).said('error')).toEqual(missing)

    copies.env = { ...copies.env, XDG_CACHE_HOME: '/proc/nowhere' }
    expect((await copies.check()).said('error')).toEqual(missing)

    await copies.write({ 'fairway.yaml': "odoo: '18.0'\n" })
    expect((await copies.check()).said('error')[0]).toBe(
      'the project is for Odoo 18.0, but the base image registry.example/odoo:19.0 holds Odoo 19.0: change one of them in fairway.yaml',
    )
    await copies.write({ 'fairway.yaml': "odoo: '19.0'\n", ...addon('shop', ['sale']) })
    expect(await copies.check('--strict')).toMatchObject({ code: 0, result: 'fine', unjudged: [] })
  }, 60_000)

  test('a branch is judged by its own image, whatever another branch was built on since', async () => {
    const { organizationId, token } = await server.createTenant('upgraders')
    const tenant = await arrangeTenant(server.context, organizationId, 'shop')
    await copies.commit({ ...addon('shop', ['sale']), 'fairway.yaml': "odoo: '19.0'\n" })
    copies.env = { ...copies.env, FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
    const { sale: _none, ...modules } = base.modules
    const next = { ...base, image: 'registry.example/odoo:next', modules }
    for (const [branch, document] of [
      ['main', base],
      ['release/next', next],
    ] as const) {
      const { runId } = await arrangeBuild(server.context, tenant, branch)
      await addArtifact(server.context, tenant, runId, 'base-image.json', describeBase(document))
    }
    const main = await copies.check('--project', 'shop')
    expect(main).toMatchObject({ code: 0, baseImage: `${base.image}@${base.digest}`, unjudged: [] })

    await copies.write({ 'fairway.yaml': `odoo: '19.0'\nbase_image: ${next.image}\n` })
    const upgraded = await copies.check('--project', 'shop', '--offline')
    expect(upgraded).toMatchObject({ code: 0, baseImage: '', unjudged: ['sale'] })
    expect((await copies.check('--project', 'shop')).said('error')).toEqual([
      expect.stringMatching(/^missing module: sale .*the image registry\.example\/odoo:next/),
    ])
    await copies.write({ 'fairway.yaml': "odoo: '19.0'\nbase_image: registry.example/own:19.0\n" })
    const own = await copies.check('--project', 'shop')
    expect(own).toMatchObject({ code: 0, baseImage: '', unjudged: ['sale'] })
    expect(own.said('note')).toContainEqual(
      expect.stringContaining('told what registry.example/own:19.0 holds'),
    )
    // Both are of one digest, and each is remembered.
    await copies.write({ 'fairway.yaml': "odoo: '19.0'\n" })
    const offline = await copies.check('--project', 'shop', '--offline', '--strict')
    expect(offline).toMatchObject({ code: 0, baseImage: `${base.image}@${base.digest}`, result: 'fine' })
  }, 60_000)
})
