import { expect, test } from 'vitest'
import type { ContentsRecord, Deployment } from '../db/record.ts'
import { faultOfGone, describe as inWords, moduleChanges, mustRehearse } from './changes.ts'
import { contentsOf } from './contents.ts'
import { createPlan, interrupts } from './plan.ts'
import { lacksBump } from './planned-modules.ts'
import type { Source } from './source.ts'

const base = 'registry.example/odoo@sha256:aa'
const own = { parts_base: 'p1', parts_glue: 'g1', shop_parts: 's1', crate_old: 'c1', extra: 'e1' }
const wanted = ['shop_parts', 'crate_old']
const closure = ['base', 'parts_base', ...wanted]

const deployed = {
  runId: 'run',
  digest: 'sha256:d1',
  baseImage: base,
  modules: closure,
  addonTrees: own,
  addonVersions: { crate_old: '19.0.1.0.0' },
} as unknown as Deployment

function code(trees: Record<string, string>, more: Partial<Source> = {}): Source {
  const modules = wanted.filter((name) => name in trees)
  return {
    commit: 'c0ffee',
    baseImage: base,
    modules,
    closure: ['base', 'parts_base', ...modules],
    addonTrees: trees,
    addonDepends: { shop_parts: ['parts_base'], parts_glue: ['parts_base'] },
    addonVersions: {},
    renamed: {},
    requirements: { python: {}, apt: {} },
    variables: {},
    ...more,
  } as unknown as Source
}

/** As the agent saw it: the glue installed itself. */
const seen: ContentsRecord = {
  installed: ['base', 'crate_old', 'parts_base', 'parts_glue', 'shop_parts', 'web'],
  chosen: ['crate_old', 'shop_parts'],
  recorded: true,
  baseImage: base,
  addons: { parts_base: 'p1', parts_glue: 'g1', shop_parts: 's1', crate_old: 'c1' },
}
const image = { reference: 'registry.example/shop@sha256:d2', digest: 'sha256:d2', built: true }
function plan(source: Source, record: ContentsRecord | undefined, current = deployed) {
  const contents = contentsOf(current, record)
  return createPlan(
    { project: 'shop', environment: 'main', cellId: 'cell', current, contents },
    source,
    image,
  )
}
const rows = ({ document }: ReturnType<typeof plan>) =>
  document.modules.map(({ name, action, why }) => `${name} ${action}: ${why}`)

test('what a module that somebody installed has come to depend on is in the plan', () => {
  const record = { ...seen, installed: [...seen.installed, 'extra'], chosen: [...seen.chosen, 'extra'] }
  const depends = { extra: ['more', 'base'], more: ['most', 'extra'] }
  const source = code({ ...own, extra: 'e2', more: 'm1', most: 't1', other: 'o1' }, { addonDepends: depends })
  expect(rows(plan(source, record))).toEqual([
    'extra update: content changed; installed by hand',
    'more install: needed by extra',
    'most install: needed by more',
    'other none: new in the repository',
  ])
})

test('what installed itself is updated when its code changes', () => {
  const next = plan(code({ ...own, parts_glue: 'g2' }), seen)
  expect(next.changes).toMatchObject({ install: [], update: ['parts_glue'] })
  expect(rows(next)).toContain('parts_glue update: content changed')
  expect(interrupts(next)).toBe(true)
})

test('what a person installed has the content of the image that served then, is updated, and shows as that', () => {
  const byHand = { ...seen, installed: [...seen.installed, 'extra'], chosen: [...seen.chosen, 'extra'] }
  const same = plan(code(own), byHand)
  expect(same.changes.update).toEqual([])
  expect(rows(same)).toEqual(['extra none: installed by hand'])
  const next = plan(code({ ...own, extra: 'e2' }), byHand)
  expect(next.changes.update).toEqual(['extra'])
  expect(rows(next)).toEqual(['extra update: content changed; installed by hand'])
  // Whoever approved the one did not approve the other.
  expect(same.sha256).not.toBe(plan(code(own), seen).sha256)
})

test('a forgotten bump is one of a changed content, whoever installed the module and whatever is said of it', () => {
  const byHand = { ...seen, installed: [...seen.installed, 'extra'], chosen: [...seen.chosen, 'extra'] }
  const addonVersions = { parts_glue: '1', extra: '1' }
  const bumpsOf = (found: ContentsRecord, changed: object) => {
    const next = plan(code({ ...own, ...changed }, { addonVersions }), found, { ...deployed, addonVersions })
    return next.document.modules.filter(lacksBump).map(({ name }) => name)
  }
  expect(bumpsOf(byHand, { extra: 'e2', parts_glue: 'g2' })).toEqual(['extra', 'parts_glue'])
  // Not installed; and one whose content nobody knows.
  expect(bumpsOf(seen, { extra: 'e2' })).toEqual([])
  expect(bumpsOf({ ...seen, recorded: false, baseImage: '', addons: {} }, {})).toEqual([])
})

test('the content is that of the last update there, not of the last release', () => {
  const older = { ...seen, addons: { ...seen.addons, parts_glue: 'g0' } }
  expect(plan(code(own), older).changes.update).toEqual(['parts_glue'])
})

test('a database without a record: as the last release left it, and once what that release did not know of', () => {
  const unrecorded = { ...seen, recorded: false, baseImage: '', addons: {} }
  const next = plan(code(own), unrecorded)
  expect(next.changes.update).toEqual(['parts_glue'])
  expect(rows(next)).toEqual(['parts_glue update: its content is not known, and updated once'])
  expect(plan(code(own), undefined).changes.update).toEqual([])
})

test('what a person installed and has left the repository is gone, also without a record of its content', () => {
  const { extra: _, ...rest } = own
  const byHand = { ...seen, installed: [...seen.installed, 'extra'], recorded: false, addons: {} }
  const { changes } = plan(code({ ...rest, parts_glue: 'g1' }), byHand)
  expect(changes.gone).toEqual(['extra'])
  // Only a copy shows whether an update takes it over.
  expect(mustRehearse(changes, false)).toBe(true)
  expect(mustRehearse({ install: [], update: ['parts_glue'], gone: [] }, false)).toBe(false)
})

test('what is gone is refused at once where nothing that runs could take it over', () => {
  const { crate_old: _, ...rest } = own
  const next = (scripts: Source['scripts'], more: Partial<Source> = {}) => {
    const source = code({ ...rest, parts_glue: 'g2', crate_new: 'n1' }, { scripts, ...more })
    const { changes, document } = plan(source, seen)
    return {
      fault: faultOfGone(changes),
      why: document.modules.find(({ name }) => name === 'crate_old')?.why,
    }
  }
  const refused = {
    fault: expect.stringMatching(/^crate_old is installed .*, and nothing .* could take it over. Uninstall/),
    why: 'installed, but no longer in the repository',
  }
  const tried = { fault: '', why: 'no longer in the repository: the update has to take it over' }
  expect(next({ install: [], update: [] })).toEqual(refused)
  // A hook runs in what is installed only, a migration script in what is updated.
  expect(next({ install: ['parts_glue', 'crate_new'], update: ['crate_new'] })).toEqual(refused)
  expect(next({ install: [], update: ['parts_glue'] })).toEqual(tried)
  const wantsIt = { modules: ['shop_parts', 'late'], closure: ['base', 'parts_base', 'crate_new', 'late'] }
  expect(next({ install: ['crate_new'], update: [] }, wantsIt)).toEqual(tried)
  expect(next({ install: [], update: [] }, { baseImage: 'another' })).toEqual(tried)
  // An agent of before.
  expect(next(undefined)).toEqual(tried)
})

test('what was uninstalled in Apps is gone: its code may leave, and nothing is updated for it', () => {
  const { crate_old: _, ...rest } = own
  const without = { ...seen, installed: seen.installed.filter((name) => name !== 'crate_old') }
  const next = plan(code(rest), without)
  expect(faultOfGone(next.changes)).toBe('')
  expect(rows(next)).toEqual(['crate_old none: uninstalled in Apps, and stays so'])
  expect(interrupts(next)).toBe(false)
  expect(rows(plan(code({ ...own, crate_old: 'c2' }), without))).toEqual([
    'crate_old install: uninstalled in Apps, and wanted by the project',
  ])
  expect(faultOfGone(moduleChanges(contentsOf(deployed, seen), code(rest)))).toMatch(
    /^crate_old is installed in the database but no longer in the repository. Uninstall it first/,
  )
})

test('a declared rename moves what is installed, and the new name is updated, not installed', () => {
  const { crate_old: _, ...rest } = own
  const renamed = code({ ...rest, crate_new: 'c2' }, { modules: ['shop_parts', 'crate_new'] })
  const next = plan({ ...renamed, renamed: { crate_old: 'crate_new', other: 'crate_new' } }, seen)
  expect(next.changes).toEqual({
    install: [],
    update: ['crate_new'],
    renames: [{ from: 'crate_old', to: 'crate_new' }],
    gone: [],
  })
  expect(rows(next)).toEqual([
    'crate_new update: takes over crate_old',
    'crate_old renamed: becomes crate_new',
  ])
  expect(inWords(next.changes)).toBe('crate_old renamed to crate_new; crate_new updated')
  // Not declared, a script of the new module may do it: that is for the copy to show.
  const tried = plan(renamed, seen)
  expect(tried.changes).toMatchObject({ install: ['crate_new'], update: [], gone: ['crate_old'] })
  expect(faultOfGone(tried.changes)).toBe('')
  expect(rows(tried)).toContain('crate_old gone: no longer in the repository: the update has to take it over')
})

test('several modules are merged into one that is there', () => {
  const { crate_old: _, parts_glue: __, ...rest } = own
  const source = code({ ...rest }, { renamed: { crate_old: 'shop_parts', parts_glue: 'shop_parts' } })
  const { changes } = plan(source, seen)
  expect(changes).toMatchObject({ install: [], update: ['shop_parts'], gone: [] })
  expect(changes.renames).toHaveLength(2)
})

test('what moved into the base image is there, whoever installed it, and is loaded from there', () => {
  const { extra: _, ...rest } = own
  const byHand = { ...seen, installed: [...seen.installed, 'extra'], chosen: [...seen.chosen, 'extra'] }
  const moved = code(rest, { imageModules: ['base', 'extra', 'web'] })
  const next = plan(moved, byHand)
  expect(next.changes).toMatchObject({ install: [], update: ['extra'], gone: [] })
  expect(rows(next)).toEqual(['extra update: comes with the base image now; installed by hand'])
  expect(plan({ ...moved, baseImage: 'another' }, byHand).changes).toMatchObject({
    update: ['base'],
    gone: [],
  })
  expect(plan(code(rest, { imageModules: ['base', 'web'] }), byHand).changes.gone).toEqual(['extra'])
})

test('another base image updates all', () => {
  expect(plan({ ...code(own), baseImage: 'another' }, seen).changes.update).toEqual(['base'])
  expect(plan(code(own), { ...seen, baseImage: 'older' }).changes.update).toEqual(['base'])
})

test('what Odoo would add to a new database only is said, and never taken for uninstalled', () => {
  const source = code(
    { ...own, parts_more: 'm1' },
    { closure: [...closure, 'parts_more'], autoInstalled: ['parts_more'] },
  )
  const why = expect.stringMatching(/^parts_more none: not installed: .* name it under modules to have it$/)
  expect(rows(plan(source, seen))).toEqual([why])
  const after = { ...deployed, modules: source.closure, addonTrees: source.addonTrees }
  const place = { project: 'shop', environment: 'main', cellId: 'cell', current: after }
  expect(rows(createPlan({ ...place, contents: contentsOf(after, seen) }, source, image))).toEqual([why])
})

test('a module may be called like what every object has', () => {
  const odd = { ...seen, installed: [...seen.installed, 'constructor'], chosen: ['constructor'] }
  const { document, changes } = plan(code(own), odd)
  expect(changes).toMatchObject({ install: [], update: [], gone: [] })
  expect(document.modules).toContainEqual({
    name: 'constructor',
    action: 'none',
    why: 'installed by hand',
    before: '',
    after: '',
  })
  expect(document.database?.others).toContain('constructor')
  expect(plan(code({ ...own, constructor: 'k1' }), odd).changes.update).toEqual(['constructor'])
})
