import type { Deployment } from '../db/record.ts'
import { isEmpty, type ModuleChanges, movedIntoImage } from './changes.ts'
import type { Contents } from './contents.ts'
import type { Source } from './source.ts'

export interface PlannedModule {
  readonly name: string
  /**
   * renamed: what belonged to it belongs to another. none: nothing happens to it, and why says what is worth a word. gone: it
   * is installed, and not in the code.
   */
  readonly action: 'install' | 'update' | 'renamed' | 'none' | 'gone'
  /** For people. */
  readonly why: string
  /** For programs, where something hangs on it: its content is another one than the database has, or the code had. */
  readonly cause?: 'content'
  readonly before: string
  readonly after: string
}

/** Its content changed and its version did not: harmless here, and worth a word. */
export const lacksBump = ({ action, before, after, cause }: PlannedModule): boolean =>
  action === 'update' && cause === 'content' && before !== '' && before === after

const changedContent = { why: 'content changed', cause: 'content' } as const
const byHand = 'installed by hand'
// Module.button_install of base goes by what is `to install`, and an update installs what is asked for only.
const notByItself =
  'not installed: Odoo adds it by itself only together with what it depends on; name it under modules to have it'

/** What production is before a release: what was meant, and what is. */
export interface PlannedFor {
  readonly deployed: Deployment
  readonly contents: Contents
}

type Known = Omit<PlannedModule, 'before' | 'after'>

/** What happens to which module and why, by name: the first reason that holds. */
export function plannedModules(
  current: PlannedFor | undefined,
  source: Source,
  changes: ModuleChanges,
): PlannedModule[] {
  const found = current
    ? [
        ...renamed(changes),
        ...installs(current, changes),
        ...needed(current, source, changes),
        ...gone(changes),
        ...moved(current, source),
        ...changed(current, source, changes),
        ...followers(current, source, changes),
        ...inApps(current, source),
      ]
    : changes.install.map((name): Known => ({ name, action: 'install', why: 'new' }))
  const first = new Map(found.toReversed().map((module) => [module.name, module]))
  const before = new Map(Object.entries(current?.deployed.addonVersions ?? {}))
  const after = new Map(Object.entries(source.addonVersions))
  return [...first.values()]
    .map((module) => ({
      ...module,
      before: before.get(module.name) ?? '',
      after: after.get(module.name) ?? '',
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function renamed({ renames = [] }: ModuleChanges): Known[] {
  const taken = Map.groupBy(renames, ({ to }) => to)
  return [
    ...renames.map(({ from, to }): Known => ({ name: from, action: 'renamed', why: `becomes ${to}` })),
    ...[...taken].map(
      ([name, all]): Known => ({
        name,
        action: 'update',
        why: `takes over ${all.map(({ from }) => from).join(', ')}`,
      }),
    ),
  ]
}

function installs({ deployed, contents }: PlannedFor, { install }: ModuleChanges): Known[] {
  const why = (name: string) => {
    if (wasUninstalled(deployed, contents, name)) return 'uninstalled in Apps, and wanted by the project'
    return Object.hasOwn(deployed.addonTrees, name) ? 'wanted now' : 'new'
  }
  return install.map((name) => ({ name, action: 'install', why: why(name) }))
}

/**
 * Own addons that Odoo installs since something that is installed or updated has come to depend on them (`button_upgrade` of
 * base/models/ir_module.py): a module that a person installed is in no closure.
 */
function needed(
  { contents: { installed } }: PlannedFor,
  { addonDepends, addonTrees }: Source,
  { install, update }: ModuleChanges,
): Known[] {
  const depends = new Map(Object.entries(addonDepends))
  const all = update.includes('base') ? [...depends.keys()].filter((name) => installed.has(name)) : update
  const found = new Map<string, string>()
  const left = [...all, ...install]
  for (let by = left.pop(); by !== undefined; by = left.pop())
    for (const name of depends.get(by) ?? []) {
      if (installed.has(name) || found.has(name) || !Object.hasOwn(addonTrees, name)) continue
      found.set(name, by)
      left.push(name)
    }
  return [...found].map(([name, by]) => ({ name, action: 'install', why: `needed by ${by}` }))
}

const gone = (changes: ModuleChanges): Known[] =>
  (changes.gone ?? []).map((name) => ({
    name,
    action: 'gone',
    why:
      !isEmpty(changes) && !changes.goneForGood
        ? 'no longer in the repository: the update has to take it over'
        : 'installed, but no longer in the repository',
  }))

const moved = (current: PlannedFor, source: Source): Known[] =>
  movedIntoImage(current.contents, source).map((name) => ({
    name,
    action: 'update',
    why: withHand('comes with the base image now', isByHand(current, source, name)),
  }))

/** Another content than the database has, or than the code had where it is not installed. */
function changed(current: PlannedFor, source: Source, { install }: ModuleChanges): Known[] {
  const { deployed, contents } = current
  const served = new Map(Object.entries(deployed.addonTrees))
  return Object.entries(source.addonTrees).flatMap(([name, tree]): Known[] => {
    if (contents.installed.has(name)) {
      const known = contents.trees.get(name)
      if (known === tree) return []
      const reason =
        known === undefined ? { why: 'its content is not known, and updated once' } : changedContent
      const why = withHand(reason.why, isByHand(current, source, name))
      return [{ name, action: 'update', ...reason, why }]
    }
    if (served.get(name) === tree) return []
    // It may come with what is installed now.
    if (install.length === 0 && comesByItself(source, name))
      return [{ name, action: 'none', why: notByItself }]
    if (wasUninstalled(deployed, contents, name)) return []
    const reason = served.has(name) ? changedContent : { why: 'new in the repository' }
    return [{ name, action: 'none', ...reason }]
  })
}

/** Installed addons whose content is the same, and that Odoo updates along with what they depend on. */
function followers({ contents }: PlannedFor, source: Source, { update }: ModuleChanges): Known[] {
  const { installed } = contents
  if (update.includes('base')) {
    return Object.keys(source.addonTrees)
      .filter((name) => installed.has(name))
      .map((name) => ({ name, action: 'update', why: 'the base image changed' }))
  }
  const causes = new Map(update.map((name) => [name, name]))
  for (let grown = true; grown; ) {
    grown = false
    for (const [name, depends] of Object.entries(source.addonDepends)) {
      if (causes.has(name) || !installed.has(name)) continue
      const through = depends.find((dependency) => causes.has(dependency))
      if (through === undefined) continue
      causes.set(name, through)
      grown = true
    }
  }
  return [...causes]
    .filter(([name]) => !update.includes(name))
    .map(([name, through]) => ({
      name,
      action: 'update',
      why: `depends on ${through}, which is updated`,
    }))
}

/** What people did since the last release, where nothing follows from it. */
function inApps(current: PlannedFor, source: Source): Known[] {
  const { deployed, contents } = current
  const hands = [...contents.chosen].filter((name) => isByHand(current, source, name))
  const taken = Object.keys(deployed.addonTrees).filter((name) => wasUninstalled(deployed, contents, name))
  return [
    ...hands.map((name): Known => ({ name, action: 'none', why: byHand })),
    ...taken.map(
      (name): Known => ({
        name,
        action: 'none',
        // It may never have been there.
        why: comesByItself(source, name) ? notByItself : 'uninstalled in Apps, and stays so',
      }),
    ),
  ]
}

/** The project does not ask for it itself. */
const comesByItself = ({ modules, autoInstalled = [] }: Source, name: string): boolean =>
  autoInstalled.includes(name) && !modules.includes(name)

const wasUninstalled = ({ modules }: Deployment, { installed, seen }: Contents, name: string): boolean =>
  seen && modules.includes(name) && !installed.has(name)

/** The project neither asks for it nor did when it was last released. */
const isByHand = ({ deployed, contents }: PlannedFor, { modules, closure }: Source, name: string): boolean =>
  contents.chosen.has(name) && ![modules, closure, deployed.modules].some((names) => names.includes(name))

const withHand = (why: string, hand: boolean) => (hand ? `${why}; ${byHand}` : why)
