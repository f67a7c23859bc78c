import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import {
  type Addon,
  BuildImageOutputSchema,
  type BuildImageTask,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createLocks } from '../cells/locks.ts'
import { type EnvironmentPlace, ensureEnvironment, labelsOfBase } from '../containers/environment.ts'
import { readImageFacts } from '../containers/image-facts.ts'
import { digestBelow, environmentLabel, keyLabel, timeTag } from '../containers/image-labels.ts'
import { requireAllowed } from '../containers/image-rules.ts'
import { findInRegistry, requireByDigest } from '../containers/images.ts'
import { buildProjectImage } from '../containers/project-image.ts'
import { registriesOf, requireRepository } from '../containers/registry-credentials.ts'
import { parseAllowEntry } from '../egress/allow-list.ts'
import { type Assembly, assembleProject } from '../git/assembly.ts'
import type { Unpublished } from '../images/assemble.ts'
import { type LockedApt, type LockedPython, packageLines } from '../repository/lock.ts'
import {
  aptPinnedName,
  aptVersion,
  pythonName,
  pythonVersion,
  sha256Hash,
} from '../repository/package-patterns.ts'
import { pythonIndexOf } from '../requirements/index-credentials.ts'
import { installPython } from '../requirements/pip.ts'
import { attachSbom } from '../sbom/attach-sbom.ts'
import type { AgentServices } from '../services.ts'
import { logGit, openMirrors } from './git-access.ts'
import { type Secrets, secretsOf, type TaskContext, TaskError, type TaskHandler } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

type Services = Pick<AgentServices, 'docker' | 'mirrors' | 'packages' | 'workDirectory'>

/**
 * Lock → image in the registry, by digest, and its parts list. An image that is there under its key is taken as it is, and
 * of builds that want the same one at the same time one makes it, while the others wait for it. A kill in the middle leaves layers in the registry, which the next attempt takes up. Where it is only to be reproduced,
 * the answer is the digest alone, and the registry has no image by it.
 */
export function buildImage(services: Services): TaskHandler<'buildImage'> {
  const withLock = createLocks()
  return async (input, context) => {
    const { docker } = services
    const { signal } = context
    const repository = requireInput(input)
    requireAllowed(input.imageRules, input.baseImage)
    const secrets = await secretsOf(context, input.credentials)
    const registries = registriesOf(secrets)
    const onLine = (line: string) => context.log('docker', line)
    const tag = `${repository}:${input.imageKey}`
    if (input.reproduce) {
      const digest = await withTaskDirectory(services.workDirectory, context, (directory) => build(directory))
      return create(BuildImageOutputSchema, {
        reference: `${repository}@${digest}`,
        digest,
        reproduced: true,
      })
    }
    const { known, digest } = await withLock(tag, signal, async () => {
      const known = input.anew ? undefined : await findInRegistry(docker, tag, registries)
      if (known) context.log('fairway', `the registry has this image already: ${repository}@${known}`)
      return {
        known,
        digest:
          known ??
          (await withTaskDirectory(services.workDirectory, context, (directory) => build(directory))),
      }
    })
    const reference = `${repository}@${digest}`
    const image = await requireByDigest(docker, reference, signal, registries)
    // Tells since when it is here.
    await docker.docker.getImage(reference).tag({ repo: repository, tag: input.imageKey })
    const sbomSha256 = await attachSbom(context, services.workDirectory, input, digest, () =>
      readImageFacts(
        docker,
        environmentOf(image.Config.Labels, repository, input.baseImage),
        services.workDirectory,
        signal,
        registries,
      ),
    )
    return create(BuildImageOutputSchema, {
      reference,
      digest,
      built: !known,
      anew: input.anew,
      sizeBytes: BigInt(image.Size),
      sbomSha256,
    })

    async function build(directory: string): Promise<string> {
      const allow = input.networkAllow.map(parseAllowEntry)
      const unpublished: Unpublished | undefined = input.reproduce ? new Map() : undefined
      const place: EnvironmentPlace = {
        baseImage: input.baseImage,
        repository,
        directory,
        registries,
        anew: input.anew || input.reproduce,
        unpublished,
        context,
        onLine,
        usePackages: (step) => services.packages.use(context, { allow }, step),
      }
      // The gate, also where nothing of it is run on the way.
      await requireByDigest(docker, input.baseImage, signal, registries)
      const makeEnvironment = () =>
        ensureEnvironment(docker, place, input, async (pipImage) => {
          const facts = await readImageFacts(docker, pipImage, services.workDirectory, signal)
          const pip = { image: pipImage, uid: facts.uid, gid: facts.gid, directory: join(directory, 'pip') }
          const index = pythonIndexOf(input.pythonIndex, secrets)
          await installPython(services, context, pip, input.python, { allow, index })
          return join(pip.directory, 'root')
        })
      // Images of other addons may stand on the same.
      const below = [repository, input.baseImage, ...packageLines(input)].join('\n')
      const environment = await withLock(below, signal, makeEnvironment)
      const { files, assembly } = await checkOutPinned(services, input, secrets, context, directory)
      const image = {
        environment,
        addons: input.addons.filter(isOfRepository),
        files,
        repositories: assembly.project.submodules.map(({ path }) => path),
        directory,
        repository,
        tags: [timeTag(input.imageKey), input.imageKey],
        labels: labelsOf(input, environment),
        unpublished,
        onLine,
        signal,
      }
      await context.requireLease()
      const made = await buildProjectImage(docker, image, registries)
      context.log('fairway', `made ${repository}@${made}`)
      return made
    }
  }
}

/** What comes from a server, before it becomes arguments, paths and lines of a recipe. */
function requireInput({ imageRepository, imageKey, addons, python, apt }: BuildImageTask): string {
  const repository = requireRepository(imageRepository)
  if (!/^[0-9a-f]{64}$/.test(imageKey)) throw new TaskError('bad-input', 'the image key is no SHA-256')
  for (const { path } of addons)
    if (path !== '' && (path.startsWith('/') || path.split('/').includes('..')))
      throw new TaskError('bad-input', `${path} is no folder of a repository`)
  const bad = [...python.filter((one) => !isPinnedPython(one)), ...apt.filter((one) => !isPinnedApt(one))][0]
  if (bad)
    throw new TaskError(
      'bad-input',
      `${JSON.stringify(`${bad.name} ${bad.version}`.slice(0, 100))} is no pinned package`,
    )
  return repository
}

const isPinnedPython = ({ name, version, hashes }: LockedPython): boolean =>
  pythonName.test(name) &&
  pythonVersion.test(version) &&
  hashes.length > 0 &&
  hashes.every((hash) => sha256Hash.test(hash))

const isPinnedApt = ({ name, version }: LockedApt): boolean =>
  aptPinnedName.test(name) && aptVersion.test(version)

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
  const wanted = { commit: input.commit, branch: '', onLine: logGit(context) }
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
        `the addon ${name} at ${path} of commit ${commit} is not what was resolved: resolve it again`,
      )
}

function labelsOf(input: BuildImageTask, environment: string): Record<string, string> {
  return {
    ...input.labels,
    ...labelsOfBase(input.baseImage),
    'org.opencontainers.image.revision': input.commit,
    [keyLabel]: input.imageKey,
    [environmentLabel]: environment.replace(/^.*@/, ''),
  }
}

/** What the image stands on, by digest: for what is in it beside addons. */
function environmentOf(labels: Record<string, string> | null, repository: string, baseImage: string): string {
  const below = digestBelow(labels)
  return !below || baseImage.endsWith(`@${below}`) ? baseImage : `${repository}@${below}`
}
