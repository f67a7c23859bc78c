import { redactUrls } from '../addresses/redact-urls.ts'
import { TaskError } from '../faults/task-error.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import type { LockedApt, LockedPython } from './lock.ts'
import { type LockDocument, maxLockBytes, renewLock } from './lock-document.ts'
import { readRepositoryFile } from './read-file.ts'
import type { WantedCommit } from './sources/declaration.ts'

export const lockFileName = 'fairway.lock'

/** What an earlier lock pins. Each holds where it fits what is asked for now, and nowhere else. */
export interface Pins {
  /** `fairway.lock` of the commit, `lock.json` of an earlier run; undefined: nothing is pinned. */
  readonly from: typeof lockFileName | 'lock.json' | undefined
  readonly python: readonly LockedPython[]
  readonly pythonIndex: string
  readonly apt: readonly LockedApt[]
  /** The digest of a base image that is asked for by this name. */
  findBase(image: string): string | undefined
  /** Commits of a source, in the order of `wanted`; says in `warn` where it is pinned for something else. */
  findSource(
    wanted: { path: string; from: readonly WantedCommit[]; declaredIn: string },
    warn: (text: string) => void,
  ): PinnedCommits | undefined
  /** Warnings for what is pinned and no longer there. */
  listUnused(paths: ReadonlySet<string>): string[]
}

export interface PinnedCommits {
  /** What is placed. */
  commit: string
  from: readonly string[]
}

/** fairway.lock of the checked-out commit goes before the lock of an earlier run; `refresh` passes over both. */
export async function readPins(
  files: string,
  { lock, refresh }: { lock: string; refresh: boolean },
): Promise<Pins> {
  if (refresh) return createPins(undefined, undefined)
  const committed = await readRepositoryFile(files, lockFileName, {
    reason: 'lock-invalid',
    maxBytes: maxLockBytes,
  })
  if (committed !== undefined) return createPins(await read(committed, lockFileName), lockFileName)
  if (lock !== '') return createPins(await read(lock, 'lock.json'), 'lock.json')
  return createPins(undefined, undefined)
}

const read = (document: string, file: string) => hostileText.read('lock', file, [document, file])

/** Throws what asking for a pin ended with; where that is `reason`, saying which lock has the pin. Never returns. */
export function throwPinned(error: unknown, from: Pins['from'], reason: string): never {
  if (!(error instanceof TaskError) || error.reason !== reason) throw error
  throw new TaskError(reason, `${error.message}; it is pinned in ${from}: ${renewLock}`, { cause: error })
}

function createPins(document: LockDocument | undefined, from: Pins['from']): Pins {
  const sources = new Map(document?.sources.map((source) => [source.path, source]))
  const committed = from === lockFileName
  return {
    from: document && from,
    python: document?.python ?? [],
    pythonIndex: document?.pythonIndex ?? '',
    apt: document?.apt ?? [],
    findBase: (image) => (document?.base.image === image ? document.base.digest : undefined),
    findSource({ path, from: wanted, declaredIn }, warn) {
      const pin = sources.get(path)
      if (!pin) {
        // A repository that was added after an earlier run is nothing special; one that a lock forgot is.
        if (document && committed)
          warn(`${from}: ${path} of ${declaredIn} is not in it: it is resolved anew; ${renewLock}`)
        return undefined
      }
      const pinned = pin.merges.length > 0 ? pin.merges : [pin]
      if (fits(pinned, wanted)) return { commit: pin.commit, from: pinned.map(({ commit }) => commit) }
      const now = describe(wanted)
      warn(
        `${from}: ${path} is pinned for ${describe(pinned)}, but ${declaredIn} asks for ${now}: it is resolved anew; ${renewLock}`,
      )
      return undefined
    },
    listUnused: (paths) =>
      committed
        ? [...sources.keys()]
            .filter((path) => !paths.has(path))
            .map((path) => `${from}: ${path} is pinned, but nothing asks for it any more; ${renewLock}`)
        : [],
  }
}

function fits(pinned: readonly WantedCommit[], wanted: readonly WantedCommit[]): boolean {
  return (
    pinned.length === wanted.length &&
    wanted.every(({ url, ref, commit }, index) => {
      const pin = pinned[index]!
      if (pin.url !== url) return false
      return commit === '' ? pin.ref === ref : pin.ref === '' && pin.commit === commit
    })
  )
}

const describe = (commits: readonly WantedCommit[]) =>
  commits.map(({ url, ref, commit }) => `${ref || commit} of ${redactUrls(url)}`).join(' + ')
