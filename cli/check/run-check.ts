import { isAbsolute, join } from 'node:path'
import { hostileText } from '../../lib/hostile-text/hostile-text.ts'
import type { BaseDocument } from '../../lib/repository/base-document.ts'
import { readFairwayFile } from '../../lib/resolve/declared-files.ts'
import { listShort } from '../../lib/words/list-short.ts'
import { usageError } from '../errors.ts'
import type { Session } from '../session.ts'
import { checkProject } from './check-project.ts'
import { noteCopy } from './copy-notes.ts'
import { createFindings, type Findings } from './findings.ts'
import { createGit } from './git.ts'
import { findBase, type KnownBase } from './known-base.ts'
import { openMemory } from './memory.ts'
import { createProgress } from './progress.ts'
import { findSecrets } from './secrets.ts'
import { type CheckJson, withPlace } from './show-check.ts'
import { requireDeclared } from './submodules.ts'
import { openWorkingCopy } from './working-copy.ts'

export interface CheckWanted {
  readonly project: string | undefined
  readonly offline: boolean
  readonly secrets: boolean
}

const mostNames = 40

/** Reads what would be pushed from a folder, and says what a build would say of it. */
export async function runCheck(session: Session, directory: string, wanted: CheckWanted): Promise<CheckJson> {
  const { settings, signal } = session
  using progress = createProgress(session.out)
  // Nobody else reads in this process, which their threads would keep.
  await using _threads = hostileText
  const folder = isAbsolute(directory) ? directory : join(process.cwd(), directory)
  const git = createGit(settings, signal)
  const findings = createFindings(signal)
  const memory = openMemory(settings.cacheHome, findings)
  progress.begin('reading the files')
  await using copy = await findings.attempt(() =>
    openWorkingCopy(folder, { git, scratch: join(memory.folder, 'check'), signal }),
  )
  if (!copy) return describe(folder, findings, undefined, [])
  if (copy.entries.length === 0 && copy.submodules.length === 0)
    throw usageError(
      `There is nothing to check in ${copy.root}: run it in a working copy, or name its folder.`,
    )
  await noteCopy(copy, git, findings)
  await findings.attempt(() => requireDeclared(copy, git))
  const file = await findings.attempt(() => readFairwayFile(copy.files, signal))
  if (!file) return describe(copy.root, findings, undefined, [])
  progress.begin('asking for what the base image holds')
  const { project, offline } = wanted
  const image = file.base_image ?? ''
  const known = await findBase(session, { project, offline, remote: copy.remote, image }, memory)
  noteBase(known, findings)
  progress.begin(`checking ${copy.entries.length} files`)
  const { base, unjudged } = await checkProject(copy, { ...known, file }, findings)
  noteUnjudged(base, unjudged, findings)
  if (wanted.secrets) {
    progress.begin('searching for secrets')
    await findings.attempt(() => findSecrets(copy, file, memory, findings))
  }
  return describe(copy.root, findings, base, unjudged)
}

function noteBase({ base, from, note }: KnownBase, { add }: Findings): void {
  const why = note ? `: ${note}` : ''
  if (base)
    add('note', `judged by the base image ${base.image} with Odoo ${base.odooVersion}, by ${from}${why}`)
  else add('note', `what the base image holds is not known${why}`)
}

function noteUnjudged(base: BaseDocument | undefined, unjudged: readonly string[], { add }: Findings): void {
  if (unjudged.length === 0) return
  const where = base
    ? 'in repositories that are not looked at here'
    : "Odoo's own, or in what is not looked at here"
  add('note', `could not be judged, and taken to be ${where}: ${listShort(unjudged, mostNames)}`)
}

function describe(
  directory: string,
  { all: findings }: Findings,
  base: BaseDocument | undefined,
  unjudged: readonly string[],
): CheckJson {
  const isRed = findings.some(({ level }) => level === 'error')
  return {
    directory,
    result: isRed ? 'findings' : unjudged.length === 0 ? 'fine' : 'not judged',
    baseImage: base ? `${base.image}@${base.digest}` : '',
    unjudged,
    findings: findings.map(withPlace),
  }
}
