import type Docker from 'dockerode'
import type { TaskContext } from '../tasks/task.ts'
import { type DockerHost, ifExists, statusOf } from './docker.ts'
import { digestBelow, isOurs } from './image-labels.ts'

export interface CollectPlan {
  readonly repository: string
  /** Only images from before are removed. */
  readonly before: Date
  readonly signal: AbortSignal
}

export interface HostCollection {
  readonly removed: string[]
  /** What was asked to be kept, what containers here were made from, and what those stand on. */
  readonly kept: Set<string>
  readonly freedBytes: number
}

/** Removes a project's images from this host but for those that are kept. Docker itself refuses what a container uses. */
export async function collectHostImages(
  host: DockerHost,
  context: Pick<TaskContext, 'requireLease' | 'log'>,
  plan: CollectPlan,
  keep: ReadonlySet<string>,
): Promise<HostCollection> {
  const images = (await host.docker.listImages()).filter(
    (image) => isOurs(image.Labels) && digestsOf(image, plan.repository).length > 0,
  )
  const kept = await findKept(host, images, plan.repository, keep)
  const removed: string[] = []
  const gone = new Set<string>()
  const layers = await layersOf(host, images)
  for (const image of images) {
    const digests = digestsOf(image, plan.repository)
    if (digests.some((digest) => kept.has(digest)) || (await isYoung(host, image, plan))) continue
    plan.signal.throwIfAborted()
    await context.requireLease()
    if (!(await removeNames(host, image, plan.repository))) continue
    for (const digest of digests)
      context.log('fairway', `removed ${plan.repository}@${digest} from this host`)
    removed.push(...digests)
    gone.add(image.Id)
  }
  await removeScratch(host, plan)
  return { removed, kept, freedBytes: bytesOfGone(layers, gone) }
}

async function findKept(
  host: DockerHost,
  images: readonly Docker.ImageInfo[],
  repository: string,
  keep: ReadonlySet<string>,
): Promise<Set<string>> {
  const used = new Set((await host.docker.listContainers({ all: true })).map(({ ImageID }) => ImageID))
  const kept = new Set(keep)
  for (const image of images) {
    const digests = digestsOf(image, repository)
    if (!used.has(image.Id) && !digests.some((digest) => keep.has(digest))) continue
    for (const digest of digests) kept.add(digest)
  }
  const labels = new Map(
    images.flatMap((image) => digestsOf(image, repository).map((digest) => [digest, image.Labels] as const)),
  )
  // A set tells what is added meanwhile: what those stand on, too.
  for (const digest of kept) {
    const below = digestBelow(labels.get(digest))
    if (below) kept.add(below)
  }
  return kept
}

function digestsOf(image: Docker.ImageInfo, repository: string): string[] {
  return (image.RepoDigests ?? [])
    .filter((name) => name.startsWith(`${repository}@`))
    .map((name) => name.slice(repository.length + 1))
}

/** Images that we assemble have no time of their own; when one came here, it got its name. */
async function isYoung(host: DockerHost, image: Docker.ImageInfo, { before }: CollectPlan): Promise<boolean> {
  if (image.Created * 1000 > before.getTime()) return true
  const inspected: { Metadata?: { LastTagTime?: string } } | undefined = await ifExists(
    host.docker.getImage(image.Id).inspect() as Promise<object>,
  )
  return Date.parse(inspected?.Metadata?.LastTagTime ?? '') > before.getTime()
}

/** By name, and never by force: an image that has names elsewhere, too, is not ours alone. */
async function removeNames(host: DockerHost, image: Docker.ImageInfo, repository: string): Promise<boolean> {
  const tags = (image.RepoTags ?? []).filter((name) => name.startsWith(`${repository}:`))
  const digests = (image.RepoDigests ?? []).filter((name) => name.startsWith(`${repository}@`))
  for (const name of [...tags, ...digests]) {
    try {
      await ifExists(host.docker.getImage(name).remove())
    } catch (error) {
      // A container that was made meanwhile.
      if (statusOf(error) === 409) return false
      throw error
    }
  }
  return true
}

/** Names of images that agents before recipe 3 made to look into. */
const aptRepository = 'fairway/apt'

async function removeScratch(host: DockerHost, { before }: CollectPlan): Promise<void> {
  const day = 24 * 3_600_000
  for (const image of await host.docker.listImages({ filters: { reference: [`${aptRepository}:*`] } })) {
    if (image.Created * 1000 > before.getTime() - day) continue
    for (const tag of image.RepoTags ?? [])
      await ifExists(host.docker.getImage(tag).remove()).catch((error) => {
        if (statusOf(error) !== 409) throw error
      })
  }
}

interface Layer {
  /** With those below it: the same chain is stored once. */
  readonly chain: string
  readonly bytes: number
}

/** By image id. Docker tells no layer's size but in an image's history, where those without files have none. */
async function layersOf(
  host: DockerHost,
  images: readonly Docker.ImageInfo[],
): Promise<Map<string, readonly Layer[]>> {
  const found = new Map<string, readonly Layer[]>()
  for (const { Id } of images) {
    const image = host.docker.getImage(Id)
    const inspected = await ifExists(image.inspect())
    const history = ((await ifExists(image.history())) ?? []) as { Size: number }[]
    const sizes = history.map(({ Size }) => Size).filter((size) => size > 0)
    const diffs = inspected?.RootFS.Layers ?? []
    // Oldest last; an empty layer would shift them: then only the newest are told rightly.
    const layers = diffs.map((_, index) => ({
      chain: diffs.slice(0, index + 1).join(' '),
      bytes: sizes[diffs.length - 1 - index] ?? 0,
    }))
    found.set(Id, layers)
  }
  return found
}

function bytesOfGone(layers: ReadonlyMap<string, readonly Layer[]>, gone: ReadonlySet<string>): number {
  const stays = new Set<string>()
  for (const [id, list] of layers) if (!gone.has(id)) for (const { chain } of list) stays.add(chain)
  const freed = new Map<string, number>()
  for (const [id, list] of layers)
    if (gone.has(id)) for (const { chain, bytes } of list) if (!stays.has(chain)) freed.set(chain, bytes)
  return [...freed.values()].reduce((sum, bytes) => sum + bytes, 0)
}
