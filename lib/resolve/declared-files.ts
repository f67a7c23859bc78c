import type { ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskError } from '../faults/task-error.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { fairwayFileName } from '../repository/fairway-yaml.ts'
import { readRepositoryFile } from '../repository/read-file.ts'
import type { FairwayFile } from '../repository/schema.ts'
import type { SourceDefaults } from '../repository/sources/declaration.ts'
import { type DeclaredSources, readDeclaredSources } from '../repository/sources/declared-sources.ts'
import { readDoodbaFiles } from '../repository/sources/doodba-files.ts'
import type { RequirementsFile } from '../requirements/requirements-file.ts'
import { trimEnd } from '../words/trim.ts'
import type { BaseFacts } from './base-facts.ts'
import type { Telling } from './telling.ts'

/** @throws TaskError `config-invalid`, naming each fault with line and column. */
export async function readFairwayFile(files: string, signal: AbortSignal): Promise<FairwayFile> {
  const limits = { reason: 'config-invalid', maxBytes: 1024 ** 2 }
  const text = (await readRepositoryFile(files, fairwayFileName, limits)) ?? ''
  return hostileText.read('fairwayFile', fairwayFileName, [text], signal)
}

/** What a project's files declare beside fairway.yaml. */
export interface DeclaredFiles {
  /** Of the project's Odoo; empty where nobody says it. */
  readonly series: string
  readonly defaults: SourceDefaults
  readonly sources: DeclaredSources
  /** Doodba's files of requirements. */
  readonly pipFiles: readonly RequirementsFile[]
}

export interface Declaring {
  readonly file: FairwayFile
  /** Gets what Doodba's files add to its Debian packages. */
  readonly config: ProjectConfig
  /** Undefined where it is not known. */
  readonly base: BaseFacts | undefined
  hasFolder(path: string): boolean
}

/** @throws TaskError `sources-invalid`, `config-invalid`, with file and line. */
export async function readDeclaredFiles(
  files: string,
  { file, config, base, hasFolder }: Declaring,
  telling: Telling,
): Promise<DeclaredFiles> {
  const series = config.odooVersion || base?.odooVersion || ''
  const defaults = sourceDefaults(file, series)
  const sources = await readDeclaredSources(files, defaults, hasFolder)
  const more = await readDoodbaFiles(files, { ...defaults, executables: base?.executables })
  for (const text of [...sources.warnings, ...more.warnings]) telling.warn(text)
  for (const text of [...sources.notes, ...more.notes]) telling.log('fairway', text)
  config.apt = [...new Set([...config.apt, ...more.apt.map(({ name }) => name)])].sort()
  if (sources.declarations.length > 0 && series === '' && base)
    throw new TaskError(
      'config-invalid',
      `${fairwayFileName}: set \`odoo\`, which names the sources' branches`,
    )
  return { series, defaults, sources, pipFiles: more.pip }
}

/** The variables are those that Doodba sets, and the project's own. */
function sourceDefaults({ sources }: FairwayFile, series: string): SourceDefaults {
  const variables = {
    ODOO_VERSION: series,
    DEPTH_DEFAULT: '1',
    DEPTH_MERGE: '100',
    DEFAULT_REPO_PATTERN: sources.oca,
    ...sources.variables,
  }
  const ignore = sources.ignore.map((path) => trimEnd(path.replace(/^\.\//, ''), '/'))
  return { series, pattern: sources.oca, variables: new Map(Object.entries(variables)), ignore }
}
