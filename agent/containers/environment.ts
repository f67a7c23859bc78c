import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { imageRecipeVersion, type LockedPackages, packageLines } from '../../lib/repository/lock.ts'
import { installApt } from '../images/apt-layer.ts'
import { assembleImage, type Unpublished } from '../images/assemble.ts'
import { type LayerFile, writeLayer } from '../images/layer-file.ts'
import type { PackageAccess } from '../packages/package-sources.ts'
import type { TaskContext } from '../tasks/task.ts'
import type { DockerHost } from './docker.ts'
import { environmentKeyLabel, environmentLabel } from './image-labels.ts'
import { findInRegistry, requireByDigest } from './images.ts'
import { packLayer } from './layer-tar.ts'
import type { Registries } from './registry-credentials.ts'

type Packages = Pick<LockedPackages, 'python' | 'apt'>

export interface EnvironmentPlace {
  /** By digest. */
  baseImage: string
  /** The project's repository in the registry. */
  repository: string
  /** An empty place of the task. */
  directory: string
  registries: Registries
  /** Takes none that is in the registry. */
  anew?: boolean
  /** Takes what is made instead of the registry, where that is possible. */
  unpublished?: Unpublished | undefined
  /** What goes to the registry is under no name there that anybody goes by. */
  unnamed?: boolean
  context: Pick<TaskContext, 'taskId' | 'epoch' | 'signal' | 'requireLease'>
  onLine(line: string): void
  /** Opens a way to packages for a step. */
  usePackages<T>(step: (access: PackageAccess) => Promise<T>): Promise<T>
}

/**
 * What a project's image stands on: its base image with the packages of its lock, by digest. It is kept in the registry
 * under a name made of these, so that it is built once for all hosts and addons; without packages it is the base itself.
 *
 * @param installPython fills a folder with the Python packages, as the image's root has them, and tells where it is.
 */
export async function ensureEnvironment(
  host: DockerHost,
  place: EnvironmentPlace,
  packages: Packages,
  installPython: (image: string) => Promise<string>,
): Promise<string> {
  if (packages.python.length === 0) return ensureAptImage(host, place, packages.apt)
  return ensureInRegistry(host, place, packages, async () => {
    // pip runs in it, and Docker has images from a registry alone.
    const forPip = place.unpublished ? { ...place, unpublished: undefined, unnamed: true } : place
    const on = await ensureAptImage(host, forPip, packages.apt)
    await requireByDigest(host, on, place.context.signal, place.registries)
    const root = await installPython(on)
    const tar = packLayer([{ directory: root, target: '' }], place.context.signal)
    const path = join(place.directory, 'python.tar.gz')
    return { on, layer: await writeLayer(path, tar, 'fairway: python packages', place.context.signal) }
  })
}

/** The base image with Debian packages alone, by digest; on this host, where it is published: pip and we look into it. */
export async function ensureAptImage(
  host: DockerHost,
  place: EnvironmentPlace,
  apt: Packages['apt'],
): Promise<string> {
  const { baseImage, context, onLine, registries } = place
  if (apt.length === 0) return baseImage
  const image = await ensureInRegistry(host, place, { apt, python: [] }, async () => {
    await requireByDigest(host, baseImage, context.signal, registries)
    const path = join(place.directory, 'apt.tar.gz')
    const layer = await place.usePackages((network) =>
      installApt(host, context, { image: baseImage, packages: apt, network, onLine }, path),
    )
    return { on: baseImage, layer }
  })
  if (!place.unpublished) await requireByDigest(host, image, context.signal, registries)
  return image
}

async function ensureInRegistry(
  host: DockerHost,
  {
    anew = false,
    baseImage,
    context,
    onLine,
    registries,
    repository,
    unnamed,
    unpublished,
  }: EnvironmentPlace,
  packages: Packages,
  make: () => Promise<{ readonly on: string; readonly layer: LayerFile }>,
): Promise<string> {
  const key = environmentKey(baseImage, packages)
  const tag = `env-${key}`
  const known = anew ? undefined : await findInRegistry(host, `${repository}:${tag}`, registries)
  if (known) return `${repository}@${known}`
  const { on, layer } = await make()
  const labels = {
    ...labelsOfBase(baseImage),
    [environmentKeyLabel]: key,
    [environmentLabel]: on.replace(/^.*@/, ''),
  }
  const { signal } = context
  const name = unnamed ? undefined : tag
  const makeLayers = async () => [layer]
  const { digest } = await assembleImage(
    host,
    { on, repository, name, anew, makeLayers, labels, unpublished, onLine, signal },
    registries,
  )
  return `${repository}@${digest}`
}

function environmentKey(baseImage: string, packages: Packages): string {
  const lines = [
    `recipe ${imageRecipeVersion}`,
    `base ${baseImage.replace(/^.*@/, '')}`,
    ...packageLines(packages),
  ]
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

/** By digest alone: the same one may be had by several names. */
export const labelsOfBase = (baseImage: string): Record<string, string> => ({
  'org.opencontainers.image.base.digest': baseImage.replace(/^.*@/, ''),
})
