import type { Deployment, Requirements } from '../db/record.ts'
import { type HashedSubject, hashSubject } from '../governance/authorizations.ts'
import { firstInstall, isEmpty, type ModuleChanges, moduleChanges } from './changes.ts'
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
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .sort()
    .map((name) => ({ name, before: before[name] ?? '', after: after[name] ?? '' }))
}
