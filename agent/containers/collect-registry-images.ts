import type { TaskContext } from '../tasks/task.ts'
import type { CollectPlan } from './collect-host-images.ts'
import type { DockerHost } from './docker.ts'
import { digestBelow, isOurs, timeOfTag } from './image-labels.ts'
import { openRepository, type RegistryImage } from './registry-api.ts'
import type { RegistryAuth } from './registry-credentials.ts'

/**
 * Deletes a project's images from its repository in the registry but for those that are kept, and what they stand on. A
 * registry that forbids it is named in a warning.
 *
 * @returns the digests that are gone.
 */
export async function collectRegistryImages(
  host: DockerHost,
  context: Pick<TaskContext, 'requireLease' | 'log' | 'warn'>,
  plan: CollectPlan,
  keep: ReadonlySet<string>,
  auth: RegistryAuth,
): Promise<string[]> {
  const repository = await openRepository(host, plan.repository, auth, plan.signal)
  const digests = new Set<string>()
  const kept = new Set(keep)
  for (const tag of await repository.listTags()) {
    const digest = await repository.findDigest(tag)
    if (!digest) continue
    digests.add(digest)
    if ((timeOfTag(tag) ?? 0) > plan.before) kept.add(digest)
  }
  const images = new Map<string, RegistryImage>()
  for (const digest of digests) {
    const image = await repository.findImage(digest)
    if (image && isOurs(image.labels)) images.set(digest, image)
  }
  for (const [digest, image] of images) if (image.createdAt > plan.before) kept.add(digest)
  // A set tells what is added meanwhile: what those stand on, too.
  for (const digest of kept) {
    const below = digestBelow(images.get(digest)?.labels)
    if (below) kept.add(below)
  }
  const removed: string[] = []
  for (const digest of images.keys()) {
    if (kept.has(digest)) continue
    await context.requireLease()
    if (!(await repository.deleteManifest(digest))) {
      context.warn(`the registry does not let images of ${plan.repository} be deleted: they are kept there`)
      break
    }
    context.log('fairway', `deleted ${plan.repository}@${digest} from the registry`)
    removed.push(digest)
  }
  return removed
}
