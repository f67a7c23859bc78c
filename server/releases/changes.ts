import type { Contents } from './contents.ts'
import type { Source } from './source.ts'

/** What a database needs so that it fits the code. */
export interface ModuleChanges {
  readonly install: readonly string[]
  /** `base` stands for all. */
  readonly update: readonly string[]
  /** What belongs to another module before anything is updated. */
  readonly renames?: readonly Rename[]
  /** Installed, without code, and not renamed: the update itself has to take them over. */
  readonly gone?: readonly string[]
  /** Of what is installed or updated, nothing has a script that could. */
  readonly goneForGood?: boolean
}

export interface Rename {
  readonly from: string
  readonly to: string
}

/** Of a commit or of what is deployed, what a database is compared with. */
export type Code = Pick<Source, 'addonTrees'> & Partial<Pick<Source, 'closure' | 'renamed' | 'imageModules'>>

/**
 * What a database needs to fit `source`: by content (git tree ids), so that a forgotten version bump skips nothing, and of
 * everything that is installed, whoever installed it. A module whose dependency changed is updated by Odoo along with that
 * dependency.
 */
export function moduleChanges(contents: Contents, source: Source): ModuleChanges {
  const renames = renamesIn(contents, source)
  const taken = new Set(renames.map(({ to }) => to))
  const install = source.modules.filter((name) => !contents.installed.has(name) && !taken.has(name))
  const changed = changedAddons(contents, source)
  const update =
    contents.baseImage === source.baseImage ? [...new Set([...changed, ...taken])].sort() : ['base']
  const gone = goneModules(contents, source)
  const changes = { install, update, renames, gone }
  return gone.length > 0 && !mayTakeOver(contents, source, changes)
    ? { ...changes, goneForGood: true }
    : changes
}

/**
 * Whether something of what is done could take over what is gone. Hooks run in modules that are installed, asked for or needed
 * by those, and migration scripts in those that are updated. What another base image runs, nobody knows.
 */
function mayTakeOver(
  { installed }: Contents,
  { scripts, closure }: Source,
  { install, update }: ModuleChanges,
): boolean {
  if (!scripts || update.includes('base')) return true
  const fresh = new Set(install.length > 0 ? closure.filter((name) => !installed.has(name)) : [])
  return (
    scripts.install.some((name) => fresh.has(name) || install.includes(name)) ||
    scripts.update.some((name) => update.includes(name))
  )
}

/** Installed addons whose content is another one in the code, or not known. */
export function changedAddons(contents: Contents, code: Code): string[] {
  const changed = Object.entries(code.addonTrees)
    .filter(([name, tree]) => contents.installed.has(name) && contents.trees.get(name) !== tree)
    .map(([name]) => name)
  return [...changed, ...movedIntoImage(contents, code)].sort()
}

/** Installed addons whose code comes with the base image from now on, whoever wants them. */
export function movedIntoImage(contents: Contents, code: Code): string[] {
  const image = new Set([...(code.closure ?? []), ...(code.imageModules ?? [])])
  return withoutOwnCode(contents, code).filter((name) => image.has(name))
}

const withoutOwnCode = ({ own }: Contents, { addonTrees }: Code): string[] =>
  [...own].filter((name) => !Object.hasOwn(addonTrees, name)).sort()

/** Those of the commit's renames that this database has not seen. */
export const renamesIn = ({ installed }: Contents, { renamed = {}, addonTrees }: Code): Rename[] =>
  Object.entries(renamed)
    .filter(([from]) => installed.has(from) && !Object.hasOwn(addonTrees, from))
    .map(([from, to]) => ({ from, to }))
    .sort((a, b) => (a.from < b.from ? -1 : 1))

/** Addons that are installed and have left the code: Odoo would only log it and go on. */
export function goneModules(contents: Contents, code: Code): string[] {
  const kept = new Set([
    ...renamesIn(contents, code).map(({ from }) => from),
    ...movedIntoImage(contents, code),
  ])
  return withoutOwnCode(contents, code).filter((name) => !kept.has(name))
}

/**
 * Why the code can't take the place of what is deployed; empty when it can, and where the scripts of what is installed or
 * updated may take over what has no code any more: that is tried on a copy first.
 */
export function faultOfGone(changes: ModuleChanges): string {
  const gone = changes.gone ?? []
  if (gone.length === 0 || (!isEmpty(changes) && !changes.goneForGood)) return ''
  const taker = isEmpty(changes)
    ? ''
    : ', and nothing that is installed or updated has a hook or a migration script that could take it over'
  return (
    `${gone.join(', ')} is installed in the database but no longer in the repository${taker}. Uninstall it first (in Apps), ` +
    'put it back, or name what takes its place under `renamed` in fairway.yaml.'
  )
}

/** Something is tried on a copy first, whatever the policy says, where only that shows whether it takes over what is gone. */
export const mustRehearse = ({ gone = [] }: ModuleChanges, required: boolean): boolean =>
  required || gone.length > 0

export const firstInstall = ({ modules }: Source): ModuleChanges => ({
  install: modules.length > 0 ? modules : ['base'],
  update: [],
})

export const isEmpty = (changes: ModuleChanges): boolean =>
  changes.install.length + changes.update.length === 0

/** `crate_old renamed to crate_new; sale_x, sale_y installed; partner_z updated` */
export function describe(changes: ModuleChanges): string {
  const part = (names: readonly string[], verb: string) =>
    names.length > 0 ? [`${names.join(', ')} ${verb}`] : []
  return (
    [
      ...(changes.renames ?? []).map(({ from, to }) => `${from} renamed to ${to}`),
      ...part(changes.install, 'installed'),
      ...part(changes.update, 'updated'),
    ].join('; ') || 'no module changed'
  )
}
