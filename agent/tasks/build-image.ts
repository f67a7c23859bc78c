import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { BuildImageOutputSchema, type BuildImageTask } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { buildImage as runBuild } from '../containers/build.ts'
import { findInRegistry, pushImage, requireByDigest } from '../containers/images.ts'
import { type Assembly, assembleProject } from '../git/assembly.ts'
import type { AgentServices } from '../services.ts'
import { logGit, openMirrors } from './git-access.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

type Services = Pick<AgentServices, 'docker' | 'mirrors' | 'workDirectory'>

/** Lock → image in the registry, by digest. An image that is there under its key is taken as it is. */
export function buildImage(services: Services): TaskHandler<'buildImage'> {
  return async (input, context) => {
    const { docker } = services
    const { signal } = context
    const repository = requireRepository(input)
    const tag = `${repository}:${input.imageKey}`
    const known = await findInRegistry(docker, tag)
    if (known) {
      context.log('fairway', `the registry has this image already: ${repository}@${known}`)
      return describe(known, false)
    }
    await requireByDigest(docker, input.baseImage, signal)
    await withTaskDirectory(services.workDirectory, context, async (directory) => {
      const files = await checkOutPinned(services, input, context, directory)
      await runBuild(docker, {
        baseImage: input.baseImage,
        addons: input.addons.map(({ name, path }) => ({ name, directory: join(files, path) })),
        tag,
        labels: labelsOf(input),
        onLine: (line) => context.log('docker', line),
        signal,
      })
    })
    await context.requireLease()
    const pushed = await pushImage(docker, tag, (line) => context.log('docker', line), signal)
    context.log('fairway', `pushed ${pushed.reference}`)
    return describe(pushed.digest, true)

    async function describe(digest: string, built: boolean) {
      const reference = `${repository}@${digest}`
      const image = await requireByDigest(docker, reference, signal)
      return create(BuildImageOutputSchema, { reference, digest, built, sizeBytes: BigInt(image.Size) })
    }
  }
}

function requireRepository({ imageRepository, imageKey }: BuildImageTask): string {
  if (!/^[a-z0-9][a-z0-9._:-]*(\/[a-z0-9._-]+)+$/.test(imageRepository))
    throw new TaskError(
      'bad-input',
      `${JSON.stringify(imageRepository.slice(0, 100))} is no image repository such as registry.example/acme/shop`,
    )
  if (!/^[0-9a-f]{64}$/.test(imageKey)) throw new TaskError('bad-input', 'the image key is no SHA-256')
  return imageRepository
}

/**
 * The project and its sources at their pins, in the places where resolve had them, below the task's `directory`.
 * Answers with the folder of the files. Throws TaskError `lock-mismatch` where an addon is not what was resolved.
 */
async function checkOutPinned(
  services: Pick<Services, 'mirrors'>,
  input: BuildImageTask,
  context: TaskContext,
  directory: string,
): Promise<string> {
  const mirrors = await openMirrors(services.mirrors, input.credentials, context, directory)
  const place = { files: join(directory, 'source'), scratch: join(directory, 'scratch') }
  const wanted = { commit: input.commit, branch: '', onLine: logGit(context) }
  const assembly = await assembleProject(mirrors, input.repositoryUrl, wanted, place, context.signal)
  await assembly.place(input.sources)
  requireSameAddons(input, assembly)
  return place.files
}

/** The key promises these contents: what the commits hold must be what was resolved. */
function requireSameAddons({ addons, commit }: BuildImageTask, assembly: Assembly): void {
  for (const { name, path, treeId } of addons) {
    if (path !== '' && (path.startsWith('/') || path.split('/').includes('..')))
      throw new TaskError('bad-input', `${path} is no folder of a repository`)
    if (assembly.findTreeId(path) !== treeId)
      throw new TaskError(
        'lock-mismatch',
        `the addon ${name} at ${path} of commit ${commit} is not what was resolved: resolve it again`,
      )
  }
}

function labelsOf(input: BuildImageTask): Record<string, string> {
  const [baseName = '', baseDigest = ''] = input.baseImage.split('@')
  return {
    ...input.labels,
    'org.opencontainers.image.revision': input.commit,
    'org.opencontainers.image.base.name': baseName,
    'org.opencontainers.image.base.digest': baseDigest,
    'fairway.image-key': input.imageKey,
  }
}
