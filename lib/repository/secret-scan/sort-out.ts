import { create } from '@bufbuild/protobuf'
import { type SecretFinding, SecretFindingSchema } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { fingerprintOf } from './fingerprint.ts'
import type { Hit } from './lint.ts'

export interface Found extends Hit {
  readonly path: string
  /** What brought it, where that is not the built commit. */
  readonly commit: string
}

export interface SortedOut {
  /** Gravest first, at most `listed`, each with its fingerprint. */
  readonly findings: readonly SecretFinding[]
  readonly accepted: readonly SecretFinding[]
  /** How many more there are than `findings`. */
  readonly unlisted: number
  /** How many could not be compared with what is accepted: there were too many. */
  readonly uncompared: number
}

const limits = {
  listed: 200,
  /** Fingerprints for what is accepted: some milliseconds each. */
  compared: 2_000,
  pathLength: 500,
} as const

const order = ['critical', 'high', 'medium', 'low']

/**
 * Parts what fairway.yaml accepts from the rest. A fingerprint is slow on purpose: they are made for what is listed, and of
 * others only as long as an accepted one is still missing. Rejects with the reason of `signal`.
 */
export async function sortOut(
  found: readonly Found[],
  accept: readonly string[],
  signal: AbortSignal,
): Promise<SortedOut> {
  const sorted = found.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
  const made = new Map<string, string>()
  const keyOf = ({ rule, path, value }: Found) => `${rule}\0${path}\0${value}`
  const fingerprint = async (one: Found) => {
    const known = made.get(keyOf(one))
    if (known !== undefined) return known
    signal.throwIfAborted()
    const fresh = await fingerprintOf(one.rule, one.path, one.value)
    made.set(keyOf(one), fresh)
    return fresh
  }

  const wanted = new Set(accept)
  const missing = new Set(accept)
  const accepted: Found[] = []
  const rest: Found[] = []
  let uncompared = 0
  for (const one of sorted) {
    const isNew = !made.has(keyOf(one))
    // Another place of one that was compared before is that one.
    if (isNew && (missing.size === 0 || made.size >= limits.compared)) {
      if (missing.size > 0) uncompared++
      rest.push(one)
      continue
    }
    const name = await fingerprint(one)
    missing.delete(name)
    const isAccepted = wanted.has(name)
    ;(isAccepted ? accepted : rest).push(one)
  }
  const tell = async (ones: readonly Found[]) => {
    const told: SecretFinding[] = []
    for (const one of ones.slice(0, limits.listed)) {
      const { line, rule, severity, note, commit, path } = one
      const file = path.slice(0, limits.pathLength)
      const name = await fingerprint(one)
      told.push(create(SecretFindingSchema, { file, line, rule, severity, note, commit, fingerprint: name }))
    }
    return told
  }
  return {
    findings: await tell(rest),
    accepted: await tell(accepted),
    unlisted: Math.max(0, rest.length - limits.listed),
    uncompared,
  }
}
