import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { packageLines } from '../../lib/repository/lock.ts'
import { shownFolder } from '../../lib/repository/sources/source-names.ts'
import {
  type Addon,
  BuildImageOutputSchema,
  type BuildImageTask,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type EnvironmentPlace, ensureEnvironment, labelsOfBase } from '../containers/environment.ts'
import { readImageFacts } from '../containers/image-facts.ts'
import { digestBelow, environmentLabel, keyLabel } from '../containers/image-labels.ts'
import { requireAllowed } from '../containers/image-rules.ts'
import { findInRegistry, requireByDigest } from '../containers/images.ts'
import { buildProjectImage } from '../containers/project-image.ts'
import { type Registries, registriesOf } from '../containers/registry-credentials.ts'
import { parseAllowEntry } from '../egress/allow-list.ts'
import { type Assembly, assembleProject } from '../git/assembly.ts'
import type { Unpublished } from '../images/assemble.ts'
import { pythonIndexOf } from '../requirements/index-credentials.ts'
import { installPython } from '../requirements/pip.ts'
import { attachSbom } from '../sbom/attach-sbom.ts'
import type { AgentServices } from '../services.ts'
import { requireInput } from './build-image/require-input.ts'
import { createTurns, type InTurn } from './build-image/turns.ts'
import { logGit, openMirrors } from './git-access.ts'
import { type Secrets, secretsOf, type TaskContext, TaskError, type TaskHandler } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

type Services = Pick<AgentServices, 'docker' | 'mirrors' | 'packages' | 'workDirectory'>

/**
 * Lock → image in the registry, by digest, and its parts list. An image that is there under its key is taken as it is. Of
 * builds that want the same one at the same time one makes it: on a host the others wait for it, and of two hosts the one that
 * comes last takes what the other put there. A kill in the middle leaves layers in the registry, which the next attempt takes
 * up. Where it is only to be reproduced, the answer is the digest alone, and the registry has no image by it.
 */
export function buildImage(services: Services): TaskHandler<'buildImage'> {
  const inTurn = createTurns()
  return (input, context) =>
    withTaskDirectory(services.workDirectory, context, (directory, inside) =>
      buildIn(directory, services, inTurn, input, inside),
    )
}

async function buildIn(
  directory: string,
  services: Services,
  inTurn: InTurn,
  input: BuildImageTask,
  context: TaskContext,
) {
  const { docker, workDirectory } = services
  const { signal } = context
  const repository = requireInput(input)
  requireAllowed(input.imageRules, input.baseImage)
  const secrets = await secretsOf(context, input.credentials)
  const registries = registriesOf(secrets)
  const build = () => make(directory, services, inTurn, { input, repository, secrets, registries }, context)
  if (input.reproduce) {
    const { digest } = await build()
    return create(BuildImageOutputSchema, {
      reference: `${repository}@${digest}`,
      digest,
      reproduced: true,
    })
  }
  const tag = `${repository}:${input.imageKey}`
  const { digest, built } = await inTurn({ name: tag, forPeople: 'the same image' }, context, async () => {
    const known = input.anew ? undefined : await findInRegistry(docker, tag, registries)
    if (known === undefined) return build()
    context.log('fairway', `the registry has this image already: ${repository}@${known}`)
    return { digest: known, built: false }
  })
  const reference = `${repository}@${digest}`
  const image = await requireByDigest(docker, reference, signal, registries)
  // Tells since when it is here.
  await docker.docker.getImage(reference).tag({ repo: repository, tag: input.imageKey })
  const sbomSha256 = await attachSbom(context, workDirectory, input, digest, () =>
    readImageFacts(
      docker,
      environmentOf(image.Config.Labels, repository, input.baseImage),
      workDirectory,
      signal,
      registries,
    ),
  )
  return create(BuildImageOutputSchema, {
    reference,
    digest,
    built,
    anew: input.anew,
    sizeBytes: BigInt(image.Size),
    sbomSha256,
  })
}

interface Wanted {
  readonly input: BuildImageTask
  readonly repository: string
  readonly secrets: Secrets
  readonly registries: Registries
}

async function make(
  directory: string,
  services: Services,
  inTurn: InTurn,
  { input, repository, secrets, registries }: Wanted,
  context: TaskContext,
): Promise<{ readonly digest: string; readonly built: boolean }> {
  const { docker, workDirectory } = services
  const { signal } = context
  const onLine = (line: string) => context.log('docker', line)
  const allow = input.networkAllow.map(parseAllowEntry)
  const unpublished: Unpublished | undefined = input.reproduce ? new Map() : undefined
  const anew = input.anew || input.reproduce
  const place: EnvironmentPlace = {
    baseImage: input.baseImage,
    repository,
    directory,
    registries,
    anew,
    unpublished,
    context,
    onLine,
    usePackages: (step) => services.packages.use(context, { allow }, step),
  }
  // The gate, also where nothing of it is run on the way.
  await requireByDigest(docker, input.baseImage, signal, registries)
  const makeEnvironment = () =>
    ensureEnvironment(docker, place, input, async (pipImage) => {
      const facts = await readImageFacts(docker, pipImage, workDirectory, signal)
      const pip = { image: pipImage, uid: facts.uid, gid: facts.gid, directory: join(directory, 'pip') }
      const index = pythonIndexOf(input.pythonIndex, secrets)
      await installPython(services, context, pip, input.python, { allow, index })
      return join(pip.directory, 'root')
    })
  // Images of other addons may stand on the same.
  const below = [repository, input.baseImage, ...packageLines(input)].join('\n')
  const environment = await inTurn({ name: below, forPeople: 'the same packages' }, context, makeEnvironment)
  const { files, assembly } = await checkOutPinned(services, input, secrets, context, directory)
  const image = {
    environment,
    addons: input.addons.filter(isOfRepository),
    files,
    repositories: assembly.project.submodules.map(({ path }) => path),
    directory,
    repository,
    name: input.imageKey,
    anew,
    labels: labelsOf(input, environment),
    unpublished,
    onLine,
    signal,
  }
  await context.requireLease()
  const { digest, isFirst } = await buildProjectImage(docker, image, registries)
  const whose = isFirst ? 'made' : 'another host was first, and its image is taken:'
  context.log('fairway', `${whose} ${repository}@${digest}`)
  return { digest, built: isFirst }
}

/**
 * The project and its sources at their pins, in the places where resolve had them, below the task's `directory`. Throws
 * TaskError `lock-mismatch` where an addon is not what was resolved.
 */
async function checkOutPinned(
  services: Pick<Services, 'mirrors'>,
  input: BuildImageTask,
  secrets: Secrets,
  context: TaskContext,
  directory: string,
): Promise<{ files: string; assembly: Assembly }> {
  const mirrors = await openMirrors(services.mirrors, secrets, input.networkAllow, context, directory)
  const place = { files: join(directory, 'source'), scratch: join(directory, 'scratch') }
  const wanted = { commit: input.commit, branch: '', onLine: logGit(context), isOwn: true }
  const assembly = await assembleProject(mirrors, input.repositoryUrl, wanted, place, context.signal)
  await assembly.place(input.sources)
  requireSameAddons(input, assembly)
  return { files: place.files, assembly }
}

/** Those that packages bring are in the layer of packages, pinned with them. */
const isOfRepository = ({ distribution }: Addon): boolean => distribution === ''

/** The key promises these contents: what the commits hold must be what was resolved. */
function requireSameAddons({ addons, commit }: BuildImageTask, assembly: Assembly): void {
  for (const { name, path, treeId } of addons.filter(isOfRepository))
    if (assembly.findTreeId(path) !== treeId)
      throw new TaskError(
        'lock-mismatch',
        `the addon ${name} at ${shownFolder(path)} of commit ${commit} is not what was resolved: resolve it again`,
      )
}

/** Nothing that the key does not say: commits, projects and hosts that have one key have one image. */
const labelsOf = (input: BuildImageTask, environment: string): Record<string, string> => ({
  ...labelsOfBase(input.baseImage),
  [keyLabel]: input.imageKey,
  [environmentLabel]: environment.replace(/^.*@/, ''),
})

/** What the image stands on, by digest: for what is in it beside addons. */
function environmentOf(labels: Record<string, string> | null, repository: string, baseImage: string): string {
  const below = digestBelow(labels)
  return !below || baseImage.endsWith(`@${below}`) ? baseImage : `${repository}@${below}`
}
