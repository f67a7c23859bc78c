import type { RunManifest } from '../record/run-manifest.ts'

/** What a statement is about: a name, and the SHA-256 (hex) of the bytes. */
export interface Subject {
  readonly name: string
  readonly sha256: string
}

/** A claim that is yet to be signed: one part of an in-toto Statement v1. */
export interface Claim {
  /** Names the file of a bundle; unique in a run. */
  readonly name: string
  readonly predicateType: string
  readonly subjects: readonly [Subject, ...Subject[]]
  readonly predicate: Readonly<Record<string, unknown>>
}

/** A run's manifest as it is stored. */
export interface StoredManifest {
  readonly manifest: RunManifest
  readonly sha256: string
}

/** Gives what can be claimed about the run; nothing when it has no such thing. Facts come from the manifest alone. */
export type Claimant = (stored: StoredManifest) => Claim | undefined

/** URI of one of our own predicates; its schema is docs/predicates/<name>/v<version>.schema.json. */
export const ownPredicate = (name: string, version = 1): string =>
  `https://fairway.dev/predicates/${name}/v${version}`

export const manifestName = 'run/manifest.json'
export const manifestSubject = ({ sha256 }: StoredManifest): Subject => ({ name: manifestName, sha256 })

/** The image that the run made or took, by its repository. */
export function imageSubject({ manifest: { image, digest } }: StoredManifest): Subject | undefined {
  if (!digest?.startsWith('sha256:')) return undefined
  return { name: (image ?? 'image').split('@')[0] ?? 'image', sha256: digest.slice('sha256:'.length) }
}

/** In every predicate of our own: which run says this. */
export const runOf = ({ organization, project, environment, run }: RunManifest) => ({
  id: run.id,
  kind: run.kind,
  number: run.number,
  organization,
  project: project.name,
  environment: environment.name,
  stage: environment.stage,
})

/** The bytes that are signed. */
export const statementBytes = ({ subjects, predicateType, predicate }: Claim): Buffer =>
  Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
      predicateType,
      predicate,
    }),
  )
