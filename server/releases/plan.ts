import type { Deployment, Requirements } from '../db/record.ts'
import { type HashedSubject, hashSubject } from '../governance/authorizations.ts'
import { firstInstall, goneModules, isEmpty, type ModuleChanges, moduleChanges } from './changes.ts'
import type { Image, Source } from './source.ts'

export interface PlannedModule {
  readonly name: string
  /** none: its content changed, and nothing of it is in the database. gone: it is installed, and not in the code. */
  readonly action: 'install' | 'update' | 'none' | 'gone'
  readonly why: string
  readonly before: string
  readonly after: string
}

export interface RequirementChange {
  readonly kind: 'base-image' | 'python' | 'apt'
  readonly name: string
  readonly before: string
  readonly after: string
}

/** What would happen to production. Nothing in it depends on who looks, or when. */
export interface PlanDocument {
  readonly version: 1
  readonly project: string
  readonly environment: string
  readonly cell: string | null
  readonly candidate: { readonly commit: string; readonly digest: string; readonly lock: string }
  readonly replaces: { readonly run: string; readonly digest: string } | null
  readonly install: readonly string[]
  readonly update: readonly string[]
  readonly modules: readonly PlannedModule[]
  readonly closure: { readonly added: readonly string[]; readonly removed: readonly string[] }
  readonly requirements: readonly RequirementChange[]
}

/** A plan and all that is needed to carry it out. */
export interface Plan {
  readonly source: Source
  readonly image: Image
  readonly changes: ModuleChanges
  readonly document: PlanDocument
  /** Of the document's canonical form: what rehearsals and approvals are bound to. */
  readonly sha256: string
  readonly text: string
}

/** Where it would happen. */
export interface PlanPlace {
  readonly project: string
  readonly environment: string
  readonly cellId: string | null
  /** What it serves; undefined before its first release. */
  readonly current: Deployment | undefined
}

/** Compares by content; asks nobody anything. */
export function createPlan(place: PlanPlace, source: Source, image: Image): Plan {
  const { current } = place
  const changes = current ? moduleChanges(current, source) : firstInstall(source)
  const before = new Set(current?.modules ?? [])
  const after = new Set([...source.closure, ...source.modules])
  const document: PlanDocument = {
    version: 1,
    project: place.project,
    environment: place.environment,
    cell: place.cellId,
    candidate: { commit: source.commit, digest: image.digest, lock: source.lockSha256 },
    replaces: current ? { run: current.runId, digest: current.digest } : null,
    install: [...changes.install],
    update: [...changes.update],
    modules: plannedModules(current, source, changes),
    closure: {
      added: [...after].filter((name) => !before.has(name)).sort(),
      removed: [...before].filter((name) => !after.has(name)).sort(),
    },
    requirements: requirementChanges(current, source),
  }
  const hashed: HashedSubject = hashSubject({ ...document })
  return { source, image, changes, document, sha256: hashed.sha256, text: hashed.text }
}

/** Whether production has to be away while it is carried out. */
export const interrupts = ({ changes, document }: Plan): boolean =>
  document.replaces !== null && !isEmpty(changes)

/** Its content changed and its version did not: harmless here, and worth a word. */
export const lacksBump = ({ action, before, after, why }: PlannedModule): boolean =>
  action === 'update' && why === changedContent && before !== '' && before === after

const changedContent = 'content changed'

function plannedModules(
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

function requirementChanges(current: Deployment | undefined, source: Source): RequirementChange[] {
  if (!current) return []
  const before: Requirements = current.requirements ?? { python: {}, apt: {} }
  const base: RequirementChange[] =
    current.baseImage === source.baseImage
      ? []
      : [{ kind: 'base-image', name: 'base', before: current.baseImage, after: source.baseImage }]
  return [
    ...base,
    ...(['python', 'apt'] as const).flatMap((kind) =>
      differences(before[kind], source.requirements[kind]).map((change) => ({ kind, ...change })),
    ),
  ]
}

function differences(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>) {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .sort()
    .map((name) => ({ name, before: before[name] ?? '', after: after[name] ?? '' }))
}
