import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { hostileText } from '../../../lib/hostile-text/hostile-text.ts'
import { fairwayFileName, toProjectConfig } from '../../../lib/repository/fairway-yaml.ts'
import { type Pins, readPins } from '../../../lib/repository/pins.ts'
import { readRepositoryFile } from '../../../lib/repository/read-file.ts'
import type { FairwayFile } from '../../../lib/repository/schema.ts'
import type { SourceDefaults } from '../../../lib/repository/sources/declaration.ts'
import {
  type DeclaredSources,
  readDeclaredSources,
} from '../../../lib/repository/sources/declared-sources.ts'
import { readDoodbaFiles } from '../../../lib/repository/sources/doodba-files.ts'
import type { RequirementsFile } from '../../../lib/requirements/requirements-file.ts'
import { trimEnd } from '../../../lib/words/trim.ts'
import { type ProjectConfig, ResolveOutputSchema } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { registriesOf } from '../../containers/registry-credentials.ts'
import { type Assembly, assembleProject } from '../../git/assembly.ts'
import { type CommitsBetween, listCommitsBetween } from '../../git/commits-between.ts'
import type { DescribedCommit } from '../../git/mirrors.ts'
import { scanForSecrets } from '../../secret-scan/scan.ts'
import { TaskError } from '../task.ts'
import { describeCommit } from './describe.ts'
import { type OpenBase, openBase } from './open-base.ts'
import type { Resolving } from './resolving.ts'

/** What a commit declares: its configuration, its base image and the repositories that it takes in. */
export interface Declared {
  readonly assembly: Assembly
  readonly file: FairwayFile
  readonly config: ProjectConfig
  readonly secretScan: Pick<Awaited<ReturnType<typeof scanForSecrets>>, 'findings' | 'accepted'>
  /** Undefined: nobody asked. */
  readonly sinceServed: CommitsBetween | undefined
  readonly pins: Pins
  readonly base: OpenBase
  /** Of the project's Odoo; empty where nobody says it. */
  readonly series: string
  readonly defaults: SourceDefaults
  readonly sources: DeclaredSources
  /** Doodba's files of requirements. */
  readonly pipFiles: readonly RequirementsFile[]
}

export async function readDeclared(resolving: Resolving): Promise<Declared> {
  const { context, directory, files, input, mirrors, onBranch, onGitLine, secrets, services } = resolving
  const wanted = { commit: input.commit, branch: input.branch, onBranch, onLine: onGitLine, isOwn: true }
  const place = { files, scratch: join(directory, 'scratch') }
  // Whatever is wrong with the commit: whoever asked for a branch is told which one it was.
  const onCommit = (commit: DescribedCommit) =>
    context.found({ case: 'resolve', value: create(ResolveOutputSchema, describeCommit(commit)) })
  const { repositoryUrl: url, scannedCommit, servedCommit } = input
  const assembly = await assembleProject(mirrors, url, wanted, place, context.signal, onCommit)
  const { project } = assembly
  context.log('fairway', `commit ${project.commit}, ${project.submodules.length} submodules`)

  const file = await readFairwayFile(resolving)
  const config = toProjectConfig(file, {
    odooVersion: input.odooVersion,
    baseImage: input.defaultBaseImage,
  })
  const { ignore, accept } = file.secret_scan
  const pushed = { url, commit: project.commit, scannedCommit, ignore, accept }
  const secretScan = await scanForSecrets(mirrors, pushed, join(directory, 'pushed'), context)
  const between = { commit: project.commit, since: servedCommit }
  const sinceServed = servedCommit
    ? await listCommitsBetween(mirrors, url, between, onGitLine, context.signal)
    : undefined
  if (sinceServed?.unknown)
    context.log('fairway', `commits since ${servedCommit.slice(0, 10)}: not known, ${sinceServed.unknown}`)
  const pins = await readPins(files, input)
  const rules = { pins, rules: input.imageRules }
  const base = await openBase(services, config, rules, registriesOf(secrets), context)
  const series = config.odooVersion || base.facts.odooVersion

  const defaults = sourceDefaults(file, series)
  const sources = await readDeclaredSources(files, defaults, (path) => project.findTreeId(path) !== undefined)
  const more = await readDoodbaFiles(files, { ...defaults, executables: base.facts.executables })
  for (const text of [...sources.warnings, ...more.warnings]) context.warn(text)
  for (const text of [...sources.notes, ...more.notes]) context.log('fairway', text)
  config.apt = [...new Set([...config.apt, ...more.apt.map(({ name }) => name)])].sort()
  if (sources.declarations.length > 0 && series === '')
    throw new TaskError(
      'config-invalid',
      `${fairwayFileName}: set \`odoo\`, which names the sources' branches`,
    )
  return {
    assembly,
    file,
    config,
    secretScan,
    sinceServed,
    pins,
    base,
    series,
    defaults,
    sources,
    pipFiles: more.pip,
  }
}

async function readFairwayFile({ context, files }: Resolving): Promise<FairwayFile> {
  const limits = { reason: 'config-invalid', maxBytes: 1024 ** 2 }
  const text = (await readRepositoryFile(files, fairwayFileName, limits)) ?? ''
  return hostileText.read('fairwayFile', fairwayFileName, [text], context.signal)
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
