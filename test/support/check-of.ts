import { tmpdir } from 'node:os'
import { type Checked, checkProject } from '../../cli/check/check-project.ts'
import { createFindings, type Finding } from '../../cli/check/findings.ts'
import { createGit } from '../../cli/check/git.ts'
import { requireDeclared } from '../../cli/check/submodules.ts'
import { openWorkingCopy } from '../../cli/check/working-copy.ts'
import { readSettings } from '../../cli/settings.ts'
import type { BaseDocument } from '../../lib/repository/base-document.ts'
import { readFairwayFile } from '../../lib/resolve/declared-files.ts'

export interface CheckedCopy extends Checked {
  readonly all: readonly Finding[]
  /** Messages of a level that are about a stage, or about all. */
  said(level: Finding['level'], stage?: string): string[]
}

/** What `fairway check` finds in a working copy, by what is known of the base image. */
export async function checkOf(
  folder: string,
  base: BaseDocument | undefined,
  odooVersion = '',
): Promise<CheckedCopy> {
  const signal = AbortSignal.timeout(60_000)
  const git = createGit(readSettings(process.env, false), signal)
  const findings = createFindings(signal)
  const scratch = tmpdir()
  await using copy = await findings.attempt(() => openWorkingCopy(folder, { git, scratch, signal }))
  if (copy) await findings.attempt(() => requireDeclared(copy, git))
  const file = copy && (await findings.attempt(() => readFairwayFile(copy.files, signal)))
  const checked =
    copy && file
      ? await checkProject(copy, { file, base, odooVersion }, findings)
      : { base: undefined, unjudged: [] }
  const { all } = findings
  return {
    ...checked,
    all,
    said: (level, stage) =>
      all
        .filter((one) => one.level === level)
        .filter(({ stages }) => stage === undefined || stages.length === 0 || stages.includes(stage))
        .map(({ message }) => message),
  }
}
