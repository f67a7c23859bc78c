import type { Deployment, Requirements } from '../db/record.ts'
import { type HashedSubject, hashSubject } from '../governance/authorizations.ts'
import { firstInstall, isEmpty, type ModuleChanges, moduleChanges, type Rename } from './changes.ts'
import { type Contents, contentsOf } from './contents.ts'
import { type PlannedModule, plannedModules } from './planned-modules.ts'
import type { Image, Source } from './source.ts'

export interface RequirementChange {
  readonly kind: 'base-image' | 'python' | 'apt' | 'variable'
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
  /** What production's database has, whoever installed it: addon → tree id, and the names of all others. Null: there is none. */
  readonly database: {
    readonly baseImage: string
    readonly addons: Readonly<Record<string, string>>
    readonly others: readonly string[]
  } | null
  readonly renames: readonly Rename[]
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
  /** What the database was when it was made. */
  readonly contents: Contents | undefined
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
  /** What the database has, as it was seen; what `current` meant it to be where it was not. */
  readonly contents?: Contents | undefined
}

/** Compares by content; asks nobody anything. */
export function createPlan(place: PlanPlace, source: Source, image: Image): Plan {
  const { current } = place
  const contents = current && (place.contents ?? contentsOf(current, undefined))
  const changes = contents ? moduleChanges(contents, source) : firstInstall(source)
  const after = new Set([...source.closure, ...source.modules])
  const document: PlanDocument = {
    version: 1,
    project: place.project,
    environment: place.environment,
    cell: place.cellId,
    candidate: { commit: source.commit, digest: image.digest, lock: source.lockSha256 },
    replaces: current ? { run: current.runId, digest: current.digest } : null,
    database: contents ? databaseOf(contents) : null,
    renames: [...(changes.renames ?? [])],
    install: [...changes.install],
    update: [...changes.update],
    modules: plannedModules(current && contents && { deployed: current, contents }, source, changes),
    closure: {
      added: [...after].filter((name) => !contents?.installed.has(name)).sort(),
      removed: [...new Set(current?.modules)].filter((name) => !after.has(name)).sort(),
    },
    requirements: requirementChanges(current, source),
  }
  const hashed: HashedSubject = hashSubject({ ...document })
  return { source, image, changes, contents, document, sha256: hashed.sha256, text: hashed.text }
}

const databaseOf = ({ installed, baseImage, trees }: Contents) => ({
  baseImage,
  addons: Object.fromEntries(trees),
  others: [...installed].filter((name) => !trees.has(name)).sort(),
})

/** Whether production has to be away while it is carried out. */
export const interrupts = ({ changes, document }: Plan): boolean =>
  document.replaces !== null && !isEmpty(changes)

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
    ...differences(current.variables ?? {}, source.variables).map((change) => ({
      kind: 'variable' as const,
      ...change,
    })),
  ]
}

function differences(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>) {
  const [was, is] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((name) => was.get(name) !== is.get(name))
    .sort()
    .map((name) => ({ name, before: was.get(name) ?? '', after: is.get(name) ?? '' }))
}
