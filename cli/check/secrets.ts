import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { FairwayFile } from '../../lib/repository/schema.ts'
import { type Candidate, choose, named, treeLimits } from '../../lib/repository/secret-scan/choose.ts'
import { blockedBy, describeFinding, foundLine } from '../../lib/repository/secret-scan/findings.ts'
import { readText } from '../../lib/repository/secret-scan/read-text.ts'
import { openScanner, type Scanner } from '../../lib/repository/secret-scan/scanner.ts'
import { openSearchedBlobs, type SearchedBlobs } from '../../lib/repository/secret-scan/searched-blobs.ts'
import { type Found, sortOut } from '../../lib/repository/secret-scan/sort-out.ts'
import { replaced } from '../../lib/repository/tree/odd-names.ts'
import { listSentences } from '../../lib/words/list-short.ts'
import type { Findings } from './findings.ts'
import { type Memory, makeFolder } from './memory.ts'
import type { WorkingCopy } from './working-copy.ts'

const shown = 5
/** Of a project without a policy of its own. */
const usualPolicy = { secretScan: { block: 'high' } }

/**
 * Secrets in the files, judged as a policy does that says nothing of them. What earlier commits brought and took away again is
 * searched by the build. Which files were found to hold none is remembered.
 */
export async function findSecrets(
  { files, entries, root }: Pick<WorkingCopy, 'files' | 'entries' | 'root'>,
  { secret_scan: { accept, ignore } }: Pick<FairwayFile, 'secret_scan'>,
  memory: Memory,
  findings: Findings,
): Promise<void> {
  const { signal } = findings.telling
  await using scanner = openScanner(signal)
  const readable = entries.filter(({ path }) => !path.includes(replaced))
  const leftOut = new Set(
    ignore.length > 0
      ? await scanner.leftOut(
          ignore,
          readable.map(({ path }) => path),
        )
      : [],
  )
  const ignored = readable.filter(({ path }) => leftOut.has(path))
  if (ignored.length > 0)
    findings.add(
      'warning',
      `secret_scan.ignore of fairway.yaml left ${named(ignored)} out of the search for secrets`,
    )
  const choice = choose(
    readable.filter(({ path }) => !leftOut.has(path)),
    treeLimits,
  )
  for (const what of choice.leftOut) findings.add('note', `not searched for secrets: ${what}`)
  const searched = (await memory.attempt(() => openSearched(memory.folder, root))) ?? noneSearched
  const found = await search(files, choice.chosen, scanner, searched)
  await memory.attempt(() => searched.save())
  const sorted = await sortOut(found, accept, signal)
  const blocked = blockedBy(usualPolicy, sorted.findings)
  if (blocked) findings.add('error', blocked, { reason: 'secrets-found' })
  else if (sorted.findings.length > 0)
    findings.add(
      'warning',
      `The repository holds secrets: ${listSentences(sorted.findings, shown, describeFinding)}`,
    )
  for (const one of sorted.findings) findings.add('note', foundLine(one))
}

/** Of each working copy its own. */
async function openSearched(memory: string, root: string): Promise<SearchedBlobs> {
  const folder = join(memory, 'searched', createHash('sha256').update(root).digest('hex').slice(0, 16))
  await makeFolder(folder)
  return await openSearchedBlobs(folder)
}

const noneSearched: SearchedBlobs = {
  find: () => undefined,
  remember: () => undefined,
  save: async () => undefined,
}

async function search(
  files: string,
  chosen: readonly Candidate[],
  scanner: Scanner,
  searched: SearchedBlobs,
): Promise<Found[]> {
  const found: Found[] = []
  for (const { path, sizeBytes } of chosen) {
    const text = await readText(join(files, path), sizeBytes)
    if (text === undefined) continue
    const id = createHash('sha256').update(text).digest('hex')
    if (searched.find(id, path) === 'clean') continue
    const hits = await scanner.lint(path, text)
    if (hits.length === 0) searched.remember(id, path, 'clean')
    for (const hit of hits) found.push({ ...hit, path, commit: '' })
  }
  return found
}
