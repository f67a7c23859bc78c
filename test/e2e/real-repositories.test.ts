import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../packaging/dev/command.ts'
import { callOdoo } from '../../packaging/dev/demo/odoo-client.ts'
import { readSignIn } from '../../packaging/dev/demo/sign-in.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import {
  customerFiles,
  publishParts,
  publishSubmodules,
  type Variant,
} from '../support/customer-repository.ts'
import { type PythonIndex, startPythonIndex } from '../support/python-index.ts'
import {
  addon,
  createPublisher,
  type Files,
  type Publish,
  type Submodule,
} from '../support/real-repositories.ts'
import {
  type BuildShown,
  createShop,
  type EnvironmentShown,
  finishedBuild,
  nothingHolds,
  setPolicy,
  smallShop,
} from '../support/shop.ts'
import { startTestStack, type TestStack } from '../support/stack.ts'

// Repositories as they are found in the wild, through the command line. What is wrong with one is said at resolve, by the
// sentence that a developer reads, before any package index is asked and any Odoo begun.

let test: TestStack
let stack: Stack
let index: PythonIndex
let publish: Publish

beforeAll(async () => {
  index = await startPythonIndex()
  test = await startTestStack('repositories', { env: { FAIRWAY_NETWORK_ALLOW: '127.0.0.1' } })
  stack = test.stack
  await createShop(stack)
  publish = createPublisher(stack, 'shop')
  // Somebody else's distribution, named like an import.
  index.addWheel('acmeslug', '0.1')
  index.addWheel('acme-label', '1.0', { files: { 'acmelabel.py': '' } })
  const topLevel = { 'python_acmeslug-2.0.dist-info/top_level.txt': 'acmeslug\n' }
  index.addWheel('python-acmeslug', '2.0', { files: { 'acmeslug.py': 'RIGHT = True\n', ...topLevel } })
})
afterAll(async () => {
  await test?.close()
  await index?.[Symbol.asyncDispose]()
})

const push = async (name: string, files: Files): Promise<BuildShown> => {
  const branch = `feature/${name}`
  const commit = await publish('shop', branch, files)
  return finishedBuild(stack, branch, commit)
}
const usesIndex = () => ({ 'fairway.yaml': `python: { index: ${index.url} }\n` })
const external = (name: string) => `'external_dependencies': {'python': ['${name}']}`

/** Cells that containers of this Fairway were made for, by Docker's own record. */
async function cellsBegun(since: Date): Promise<string[]> {
  const { hostId } = JSON.parse(await run('cat', [stack.path('agent', 'identity.json')])) as {
    hostId: string
  }
  const range = ['--since', since.toISOString(), '--until', new Date().toISOString()]
  const filters = ['type=container', 'event=create', `label=fairway.agent=${hostId}`]
  const format = '{{index .Actor.Attributes "fairway.cell"}}'
  const args = filters.flatMap((filter) => ['--filter', filter])
  const cells = await run('docker', ['events', ...range, ...args, '--format', format])
  return cells.split('\n').filter(Boolean)
}

describe('what is wrong with a repository', () => {
  const begun = new Date()
  const sentences: Record<string, { files: () => Files | Promise<Files>; says: string | RegExp }> = {
    'a version that is only the series': {
      files: () => ({ ...addon('till', { version: '19.0' }), ...addon('other') }),
      says: 'the module till (till/__manifest__.py) has version 19.0, which is only the series: Odoo 19.0 makes such a module uninstallable (`check_version`); it takes x.y, x.y.z, 19.0.x.y or 19.0.x.y.z',
    },
    'a version that Odoo stops on, of a module that nobody installs': {
      files: () => ({
        ...addon('misc', { version: '1' }),
        ...addon('other'),
        'fairway.yaml': 'development: { modules: [other] }\n',
      }),
      says: 'misc/__manifest__.py: has version "1": Odoo 19.0 stops on it while it reads all manifests (`adapt_version`); it takes x.y, x.y.z, 19.0.x.y or 19.0.x.y.z',
    },
    'a module of another series that is needed': {
      files: () => ({ ...addon('gate', { version: '18.0.2.1.0' }), ...addon('yard', { depends: 'gate' }) }),
      says: 'the module gate (gate/__manifest__.py) has version 18.0.2.1.0, but the project is for Odoo 19.0, needed by yard → gate; migrate it, or take it out of `depends` of yard',
    },
    'a manifest that is no literal, and one that does not parse': {
      files: () => ({
        'a/__init__.py': '',
        'a/__manifest__.py': "dict(name='A')",
        'b/__init__.py': '',
        'b/__manifest__.py': "{'name': 'B',, 'depends': []}",
      }),
      says: /^a\/__manifest__\.py:1:1: only literal values are allowed, not a function call.*; b\/__manifest__\.py:1:14: /,
    },
    'a Python package that only a manifest names': {
      files: () => ({ ...addon('links', { more: external('acmeslug') }), ...usesIndex() }),
      says: /^links\/__manifest__\.py asks for "acmeslug", which nothing in the image or in requirements\.txt brings: add the package that does to requirements\.txt/,
    },
    'a Python package of a module that comes by itself': {
      files: () => ({
        ...addon('base_tools'),
        ...addon('report', {
          depends: 'base_tools',
          more: `'auto_install': True, ${external('acme-label')}`,
        }),
        ...addon('own', { depends: 'base_tools' }),
        'fairway.yaml': `development: { modules: [own] }\npython: { index: ${index.url} }\n`,
      }),
      says: /^report\/__manifest__\.py asks for "acme-label", .*the line acme-label if that is its name on the index/,
    },
    'a file whose name is no UTF-8': {
      files: () => ({ ...addon('count', {}, { 'static/capture d\udce9cran.txt': '' }) }),
      says: /count\/static\/capture d/,
    },
    'a missing module': {
      files: () => addon('more', { depends: 'nowhere' }),
      says: /nowhere.*more|more.*nowhere/,
    },
  }

  it.for(Object.entries(sentences))('is said at resolve: %s', async ([name, { files, says }]) => {
    const build = await push(name.replaceAll(/\W+/g, '-'), await files())
    expect(build).toMatchObject({ status: 'failed', result: 'red' })
    if (typeof says === 'string') expect(build.reason).toBe(says)
    else expect(build.reason).toMatch(says)
    expect(build.steps.find(({ status }) => status === 'failed')?.name).toBe('resolve')
    const listed = await stack.cli('build', 'list', 'shop', '--branch', build.branch)
    expect(listed).toContain(build.reason)
  })

  it('asked no package index and began no Odoo', async () => {
    expect(index.requests).toEqual([])
    expect(await cellsBegun(begun)).toEqual([])
    expect(await test.cellsOnDisk()).toEqual([])
  })
})

describe('a repository that is itself an addon', () => {
  const pushed = async (files: Files) => {
    const commit = await createPublisher(stack, 'desk-notes')('desk-notes', 'main', files)
    return finishedBuild(stack, 'main', commit, { project: 'desk' })
  }
  // Odoo itself looks for it under its technical name.
  const desk = addon('', {}, { '__init__.py': 'import odoo.addons.desk_notes as own\nassert own.__path__\n' })

  beforeAll(async () => {
    const repository = await stack.createRepository('demo/desk-notes')
    const secret = await stack.webhookSecret()
    await stack.cli('project', 'create', 'desk', '--repository', repository, '--webhook-secret', secret)
    await setPolicy(stack, nothingHolds, 'desk')
  })

  it('is told how to name it, where its repository has no module’s name', async () => {
    expect((await pushed(desk)).reason).toBe(
      '__manifest__.py: the repository itself is an addon, and "desk-notes", as the repository is called, is no module name: name it with addon_name in fairway.yaml, or set addons_paths in fairway.yaml to the folders that hold addons',
    )
  })

  it('goes to production under that name', async () => {
    const config = `${smallShop}addon_name: desk_notes\n`
    const build = await pushed({ ...desk, 'fairway.yaml': config })
    expect(build.status, build.reason).toBe('succeeded')
    expect(build.updatedModules).toEqual(['desk_notes'])
    const installed = await callOdoo(
      await readSignIn(stack, 'desk', 'production'),
      'ir.module.module',
      'search_read',
      [[['name', '=', 'desk_notes']], ['state', 'shortdesc']],
    )
    expect(installed).toMatchObject([{ state: 'installed', shortdesc: 'Own' }])
    await stack.cli('env', 'stop', 'desk', 'production', '--yes')
  })
})

describe('a customer’s repository', () => {
  let submodules: Submodule[]
  const pushed = async (branch: string, variant: Variant = {}) =>
    finishedBuild(
      stack,
      branch,
      await publish('shop', branch, customerFiles(stack, index, variant), submodules),
    )
  const ask = async <T>(model: string, method: string, ...args: unknown[]) =>
    callOdoo<T>(await readSignIn(stack, 'shop', 'production'), model, method, args)

  it('goes to production with what others wrote, and says what was left out', async () => {
    await publishParts(publish, [])
    submodules = await publishSubmodules(publish)
    const build = await pushed('main')
    expect(build.status, build.reason).toBe('succeeded')
    expect(build.updatedModules).toEqual(
      'bridge crate_old desk_more desk_notes label_print label_shop leaflet page_links shop_parts'.split(' '),
    )
    for (const warning of [
      'not installed: yard_gate/__manifest__.py has version 18.0.2.1.0, but the project is for Odoo 19.0',
      'left out: scaffold/{{ module_name }}/__manifest__.py: its path is that of a template for new modules; set addons_paths in fairway.yaml to the folders that hold addons',
      '1 files are pointers of Git LFS, not the files themselves, and the image gets them as they are: desk_more/static/description/icon.png; commit the files to git itself (git lfs migrate export)',
    ])
      expect(build.warnings).toContain(warning)
    const asked = new Set(index.requests.map((request) => request.slice(1).replace(/^\/files\/.*/, 'file')))
    expect([...asked].sort()).toEqual(['/simple/acme-label/', '/simple/python-acmeslug/', 'file'])
  })

  it('is used by people, who uninstall a module', async () => {
    await ask('crate.crate', 'create', [{ name: 'Apples' }])
    const [leaflet] = await ask<number[]>('ir.module.module', 'search', [['name', '=', 'leaflet']])
    await ask('ir.module.module', 'button_immediate_uninstall', [leaflet])
    await publishParts(publish, ['colour'])
  })

  it('is red in staging where its neutralize.sql or a style sheet is broken', async () => {
    const [outdated, unstyled] = await Promise.all([
      pushed('release/outdated', { outdated: true }),
      pushed('release/unstyled', { unstyled: true }),
    ])
    expect(outdated).toMatchObject({ status: 'failed', result: 'red' })
    expect(outdated.reason).toBe(
      'Odoo could not neutralize the database: bridge/data/neutralize.sql, line 1: column "secret" of relation "bridge_account" does not exist (in: UPDATE bridge_account SET secret = \'dummy\'). Correct the file and push again.',
    )
    expect(unstyled).toMatchObject({ status: 'failed', result: 'red' })
    expect(unstyled.reason).toContain('Undefined variable: "$nobody-defines-it"')
    const listed = await stack.cliJson<EnvironmentShown[]>('env', 'list', 'shop')
    expect(listed.filter(({ status }) => status === 'running').map(({ name }) => name)).toEqual([
      'production',
    ])
  })

  it('releases a module’s new name, what became of others’ code, and one that was uninstalled', async () => {
    const build = await pushed('release/next', { renamed: true, removed: true })
    expect(build.status, build.reason).toBe('succeeded')
    const plan = await stack.cli('release', 'plan', 'shop', 'release/next')
    expect(plan).toMatch(/^parts_glue +update +19\.0\.1\.0\.0 → 19\.0\.1\.1\.0 +content changed$/m)
    expect(plan).toMatch(/^crate_new +install /m)
    expect(plan).toMatch(/^crate_old +gone .*no longer in the repository: the update has to take it over$/m)
    expect(plan).toMatch(/^leaflet +none .*uninstalled in Apps, and stays so$/m)
    expect(plan).toContain('+ column colour')
    await stack.cli('release', 'promote', 'shop', 'release/next', '--yes')
    const crates = await ask<{ name: string }[]>('crate.crate', 'search_read', [], ['name'])
    expect(crates.map(({ name }) => name)).toEqual(['Apples'])
    await ask('parts.part', 'create', [{ colour: 'red' }])
  })
})
