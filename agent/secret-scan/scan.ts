import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Candidate, choose, named, treeLimits } from '../../lib/repository/secret-scan/choose.ts'
import { foundLine } from '../../lib/repository/secret-scan/findings.ts'
import { readText } from '../../lib/repository/secret-scan/read-text.ts'
import { openScanner, type Scanner } from '../../lib/repository/secret-scan/scanner.ts'
import { openSearchedBlobs } from '../../lib/repository/secret-scan/searched-blobs.ts'
import { type Found, sortOut } from '../../lib/repository/secret-scan/sort-out.ts'
import type { SecretFinding } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Mirrors } from '../git/mirrors.ts'
import { listTree } from '../git/tree.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { placeBlobs, sizesOf } from './blobs.ts'
import { listPushed } from './history.ts'

/** What is searched. */
export interface PushedSource {
  readonly url: string
  /** Full id. */
  readonly commit: string
  /** What was pushed begins after it; empty: only the commit's own tree is searched. */
  readonly scannedCommit: string
  /** Patterns of paths that are left out. */
  readonly ignore: readonly string[]
  /** Fingerprints of findings that are no secrets. */
  readonly accept: readonly string[]
}

/** Gravest first. */
export interface FoundSecrets {
  readonly findings: readonly SecretFinding[]
  /** Which fairway.yaml says are none. */
  readonly accepted: readonly SecretFinding[]
}

/** A version of a file. */
interface Blob extends Candidate {
  readonly id: string
  /** What brought it, where that is not the built commit. */
  readonly commit?: string
}

const limits = {
  history: { fileBytes: 1024 ** 2, files: 5_000, totalBytes: 128 * 1024 ** 2 },
  commits: { commits: 500, listingBytes: 64 * 1024 ** 2 },
  deadlineMs: 3 * 60_000,
} as const

/**
 * Secrets in the project's own files at the commit (not in what it depends on), and in what the commits since
 * `scannedCommit` brought and took away again; gravest first, at most 200. What was left out is said in the task's log,
 * and what fairway.yaml leaves out is a warning. `scratch` names a folder that is not there, and is not there afterwards.
 * Throws TaskError `secret-scan-failed` when it does not come to an end: then nothing is built.
 */
export async function scanForSecrets(
  mirrors: Mirrors,
  source: PushedSource,
  scratch: string,
  context: TaskContext,
): Promise<FoundSecrets> {
  const deadline = AbortSignal.timeout(limits.deadlineMs)
  const signal = AbortSignal.any([context.signal, deadline])
  try {
    await using scanner = openScanner(signal)
    const scan = new Scan(mirrors, source, scanner, scratch, context, signal)
    await scan.tree()
    if (source.scannedCommit && source.scannedCommit !== source.commit) await scan.history()
    return await scan.report()
  } catch (error) {
    if (!deadline.aborted || context.signal.aborted) throw error
    throw new TaskError(
      'secret-scan-failed',
      `the search for secrets took longer than ${limits.deadlineMs / 60_000} minutes and was given up, and so is the ` +
        'build; leave out what is large and holds none with secret_scan.ignore in fairway.yaml',
      { cause: error },
    )
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

class Scan {
  readonly #mirrors: Mirrors
  readonly #source: PushedSource
  readonly #scanner: Scanner
  readonly #scratch: string
  readonly #context: TaskContext
  readonly #signal: AbortSignal
  readonly #found: Found[] = []
  /** Secrets that were found, each by rule and value: an older version of a file that still has it says nothing new. */
  readonly #seen = new Set<string>()

  constructor(
    mirrors: Mirrors,
    source: PushedSource,
    scanner: Scanner,
    scratch: string,
    context: TaskContext,
    signal: AbortSignal,
  ) {
    this.#mirrors = mirrors
    this.#source = source
    this.#scanner = scanner
    this.#scratch = scratch
    this.#context = context
    this.#signal = signal
  }

  async tree(): Promise<void> {
    const { url, commit } = this.#source
    const fetched = await this.#mirrors.fetch(url, { commit, branch: '', isOwn: true }, this.#signal)
    const entries = await listTree(this.#mirrors.git, fetched, this.#signal)
    const own = await this.#withoutIgnored(entries.filter(({ kind }) => kind === 'file'))
    if (own.ignored.length > 0) {
      const files = named(own.ignored)
      this.#context.warn(`secret_scan.ignore of fairway.yaml left ${files} out of the search for secrets`)
    }
    const { chosen, leftOut } = choose(own.kept, treeLimits)
    this.#sayLeftOut(leftOut)
    const { found, anew } = await this.#search(fetched.gitDir, chosen)
    this.#context.log(
      'fairway',
      `searched ${chosen.length} files for secrets, ${anew} of them anew: ${found} found`,
    )
  }

  async history(): Promise<void> {
    const { url, commit, scannedCommit: scanned } = this.#source
    const { git } = this.#mirrors
    const pushed = await listPushed(this.#mirrors, url, { commit, scanned }, limits.commits, this.#signal)
    this.#sayLeftOut(pushed.leftOut)
    const { gitDir, blobs } = pushed
    const ids = blobs.map(({ id }) => id)
    const sizes = await sizesOf(git, gitDir, ids, this.#signal)
    const sized = blobs.map((blob) => ({ ...blob, sizeBytes: sizes.get(blob.id) ?? 0 }))
    const { chosen, leftOut } = choose((await this.#withoutIgnored(sized)).kept, limits.history)
    this.#sayLeftOut(leftOut)
    const { found } = await this.#search(gitDir, chosen)
    const what = `${chosen.length} versions of files in ${pushed.commits} pushed commits`
    this.#context.log('fairway', `searched ${what}: ${found} more found`)
  }

  async report(): Promise<FoundSecrets> {
    const { accept } = this.#source
    const { findings, accepted, unlisted, uncompared } = await sortOut(this.#found, accept, this.#signal)
    if (unlisted > 0) this.#context.log('fairway', `${unlisted} of the secrets found are not listed`)
    if (uncompared > 0)
      this.#context.log(
        'fairway',
        `${uncompared} of the secrets found are too many to be compared with secret_scan.accept of fairway.yaml`,
      )
    // In the log of the build that somebody reads anyway.
    for (const finding of findings) this.#context.log('fairway', foundLine(finding))
    if (accepted.length > 0) {
      const files = named(accepted.map(({ file }) => ({ path: file })))
      this.#context.log(
        'fairway',
        `accepted by secret_scan.accept of fairway.yaml: ${accepted.length} in ${files}`,
      )
    }
    return { findings, accepted }
  }

  async #withoutIgnored<C extends Candidate>(candidates: readonly C[]) {
    const { ignore } = this.#source
    if (ignore.length === 0) return { kept: candidates, ignored: [] }
    const paths = candidates.map(({ path }) => path)
    const leftOut = new Set(await this.#scanner.leftOut(ignore, paths))
    return {
      kept: candidates.filter(({ path }) => !leftOut.has(path)),
      ignored: candidates.filter(({ path }) => leftOut.has(path)),
    }
  }

  /** How many secrets that were not seen before, and how many versions had to be looked at. */
  async #search(gitDir: string, blobs: readonly Blob[]): Promise<{ found: number; anew: number }> {
    const before = this.#found.length
    const known = new Set(this.#seen)
    const searched = await openSearchedBlobs(gitDir)
    const binary: Candidate[] = blobs.filter(({ id, path }) => searched.find(id, path) === 'binary')
    const news = blobs.filter(({ id, path }) => searched.find(id, path) === undefined)
    const ids = [...new Set(news.map(({ id }) => id))]
    await placeBlobs(this.#mirrors.git, gitDir, ids, this.#scratch, this.#signal)
    for (const blob of news) {
      const { id, path, commit = '', sizeBytes } = blob
      const text = await readText(join(this.#scratch, id), sizeBytes)
      if (text === undefined) {
        binary.push(blob)
        searched.remember(id, path, 'binary')
        continue
      }
      const hits = await this.#scanner.lint(path, text)
      if (hits.length === 0) searched.remember(id, path, 'clean')
      for (const hit of hits) {
        const secret = `${hit.rule} ${hit.value}`
        // Of the commit's own files every place counts; of older versions the first.
        if (known.has(secret)) continue
        if (commit) known.add(secret)
        this.#seen.add(secret)
        this.#found.push({ ...hit, path, commit })
      }
    }
    await searched.save()
    if (binary.length > 0) this.#sayLeftOut([`${named(binary)} for being binary`])
    return { found: this.#found.length - before, anew: news.length }
  }

  #sayLeftOut(what: readonly string[]): void {
    for (const each of what) this.#context.log('fairway', `not searched for secrets: ${each}`)
  }
}
