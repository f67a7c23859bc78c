import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { toProjectConfig } from '../../../lib/repository/fairway-yaml.ts'
import { type Pins, readPins } from '../../../lib/repository/pins.ts'
import type { FairwayFile } from '../../../lib/repository/schema.ts'
import {
  type DeclaredFiles,
  readDeclaredFiles,
  readFairwayFile,
} from '../../../lib/resolve/declared-files.ts'
import { type ProjectConfig, ResolveOutputSchema } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { registriesOf } from '../../containers/registry-credentials.ts'
import { type Assembly, assembleProject } from '../../git/assembly.ts'
import { type CommitsBetween, listCommitsBetween } from '../../git/commits-between.ts'
import type { DescribedCommit } from '../../git/mirrors.ts'
import { scanForSecrets } from '../../secret-scan/scan.ts'
import { describeCommit } from './describe.ts'
import { type OpenBase, openBase } from './open-base.ts'
import type { Resolving } from './resolving.ts'

/** What a commit declares: its configuration, its base image and the repositories that it takes in. */
export interface Declared extends DeclaredFiles {
  readonly assembly: Assembly
  readonly file: FairwayFile
  readonly config: ProjectConfig
  readonly secretScan: Pick<Awaited<ReturnType<typeof scanForSecrets>>, 'findings' | 'accepted'>
  /** Undefined: nobody asked. */
  readonly sinceServed: CommitsBetween | undefined
  readonly pins: Pins
  readonly base: OpenBase
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
  const file = await readFairwayFile(files, context.signal)
  const config = toProjectConfig(file, {
    odooVersion: input.odooVersion,
    baseImage: input.defaultBaseImage,
  })
  const { ignore, accept } = file.secret_scan
  const pushed = { url, commit: project.commit, scannedCommit, ignore, accept }
  const secretScan = await scanForSecrets(mirrors, pushed, join(directory, 'pushed'), context)
  const pins = await readPins(files, input)
  const rules = { pins, rules: input.imageRules }
  const [base, sinceServed] = await besideOneAnother(
    context.signal,
    () => openBase(services, config, rules, registriesOf(secrets), context),
    async (signal) =>
      servedCommit
        ? await listCommitsBetween(
            mirrors,
            url,
            { commit: project.commit, since: servedCommit },
            onGitLine,
            signal,
          )
        : undefined,
  )
  if (sinceServed?.unknown)
    context.log('fairway', `commits since ${servedCommit.slice(0, 10)}: not known, ${sinceServed.unknown}`)
  const hasFolder = (path: string) => project.findTreeId(path) !== undefined
  const declared = await readDeclaredFiles(files, { file, config, base: base.facts, hasFolder }, context)
  return { ...declared, assembly, file, config, secretScan, sinceServed, pins, base }
}

/** Both at once; where the first fails nothing waits for the second, which is stopped and has ended before that is told. */
async function besideOneAnother<A, B>(
  stop: AbortSignal,
  first: () => Promise<A>,
  second: (signal: AbortSignal) => Promise<B>,
): Promise<[A, B]> {
  const failed = new AbortController()
  const other = second(AbortSignal.any([stop, failed.signal]))
  try {
    const [one, two] = await Promise.all([first(), other])
    return [one, two]
  } catch (error) {
    failed.abort(error)
    await Promise.allSettled([other])
    throw error
  }
}
