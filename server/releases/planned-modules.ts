import type { Deployment } from '../db/record.ts'
import { goneModules, type ModuleChanges } from './changes.ts'
import type { Source } from './source.ts'

export interface PlannedModule {
  readonly name: string
  /** none: its content changed, and nothing of it is in the database. gone: it is installed, and not in the code. */
  readonly action: 'install' | 'update' | 'none' | 'gone'
  readonly why: string
  readonly before: string
  readonly after: string
}

/** Its content changed and its version did not: harmless here, and worth a word. */
export const lacksBump = ({ action, before, after, why }: PlannedModule): boolean =>
  action === 'update' && why === changedContent && before !== '' && before === after

const changedContent = 'content changed'

/** What happens to which module and why, by name. */
export function plannedModules(
  current: Deployment | undefined,
  source: Source,
  changes: ModuleChanges,
): PlannedModule[] {
  const versions = (name: string) => ({
    before: current?.addonVersions?.[name] ?? '',
    after: source.addonVersions[name] ?? '',
  })
  const installs = changes.install.map(
    (name): PlannedModule => ({
      name,
      action: 'install',
      why: current && name in current.addonTrees ? 'wanted now' : 'new',
      ...versions(name),
    }),
  )
  if (!current) return installs
  const gone = goneModules(current, source).map(
    (name): PlannedModule => ({
      name,
      action: 'gone',
      why: 'installed, but no longer in the repository',
      ...versions(name),
    }),
  )
  const planned = new Set([...changes.install, ...gone.map(({ name }) => name)])
  const changed = Object.entries(source.addonTrees)
    .filter(([name, tree]) => !planned.has(name) && current.addonTrees[name] !== tree)
    .map(
      ([name]): PlannedModule => ({
        name,
        action: current.modules.includes(name) ? 'update' : 'none',
        why: name in current.addonTrees ? changedContent : 'new in the repository',
        ...versions(name),
      }),
    )
  return [...installs, ...gone, ...changed, ...followers(current, source, changes, versions)].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )
}

/** Installed addons whose content is the same, and that Odoo updates along with what they depend on. */
function followers(
  current: Deployment,
  source: Source,
  { update }: ModuleChanges,
  versions: (name: string) => { before: string; after: string },
): PlannedModule[] {
  if (update.includes('base')) {
    return Object.keys(source.addonTrees)
      .filter(
        (name) => current.modules.includes(name) && current.addonTrees[name] === source.addonTrees[name],
      )
      .map((name) => ({ name, action: 'update', why: 'the base image changed', ...versions(name) }))
  }
  const causes = new Map(update.map((name) => [name, name]))
  for (let grown = true; grown; ) {
    grown = false
    for (const [name, depends] of Object.entries(source.addonDepends)) {
      if (causes.has(name) || !current.modules.includes(name)) continue
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
      ...versions(name),
    }))
}
