import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { PackageAccess } from '../packages/package-sources.ts'
import { imageRecipeVersion, type LockedPackages, packageLines } from '../repository/lock.ts'
import { buildImage, writeLayerFile } from './build.ts'
import type { ContextFile } from './build-context.ts'
import { type DockerHost, ifExists, statusOf } from './docker.ts'
import { renderEnvironment } from './dockerfile.ts'
import { environmentKeyLabel } from './image-labels.ts'
import { findInRegistry, pushImage, requireByDigest } from './images.ts'
import type { Registries } from './registry-credentials.ts'
import type { ContainerNetwork } from './throwaway.ts'

type Packages = Pick<LockedPackages, 'python' | 'apt'>

export interface EnvironmentPlace {
  /** By digest. */
  baseImage: string
  /** The project's repository in the registry. */
  repository: string
  registries: Registries
  onLine(line: string): void
  signal: AbortSignal
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
  directory: string,
  installPython: (image: string) => Promise<string>,
): Promise<string> {
  const { baseImage, registries, repository, signal } = place
  if (packages.python.length === 0 && packages.apt.length === 0) return baseImage
  const key = environmentKey(baseImage, packages)
  const tag = `${repository}:env-${key}`
  const known = await findInRegistry(host, tag, registries)
  if (known) return `${repository}@${known}`
  const user = (await requireByDigest(host, baseImage, signal, registries)).Config.User
  const files: ContextFile[] = []
  if (packages.python.length > 0) {
    const root = await installPython(await ensureAptImage(host, place, packages.apt))
    const path = join(directory, 'python.tar')
    await writeLayerFile(path, [{ directory: root, target: '' }], signal)
    files.push({ name: 'python.tar', path })
  }
  const build = (network: ContainerNetwork) =>
    buildImage(host, {
      dockerfile: renderEnvironment({
        baseImage,
        user,
        apt: packages.apt,
        python: files.length > 0,
        labels: { ...labelsOfBase(baseImage), [environmentKeyLabel]: key },
      }),
      files,
      tag,
      network,
      onLine: place.onLine,
      signal,
    })
  await (packages.apt.length > 0 ? place.usePackages(build) : build('none'))
  const { reference } = await pushImage(host, tag, place.onLine, signal, registries)
  await dropAptImage(host, baseImage, packages.apt)
  return reference
}

/**
 * The base image with Debian packages, on this host only: pip and we look into it before there is anything to push. The
 * builder's cache makes the same layer of it later. Without packages it is the base image.
 */
export async function ensureAptImage(
  host: DockerHost,
  { baseImage, registries, onLine, signal, usePackages }: Omit<EnvironmentPlace, 'repository'>,
  apt: Packages['apt'],
): Promise<string> {
  const base = await requireByDigest(host, baseImage, signal, registries)
  if (apt.length === 0) return baseImage
  const tag = aptTag(baseImage, apt)
  const known = await ifExists(host.docker.getImage(tag).inspect())
  if (known) return known.Id
  await usePackages((network) =>
    buildImage(host, {
      dockerfile: renderEnvironment({ baseImage, user: base.Config.User, apt, python: false, labels: {} }),
      files: [],
      tag,
      network,
      onLine,
      signal,
    }),
  )
  return (await host.docker.getImage(tag).inspect()).Id
}

async function dropAptImage(host: DockerHost, baseImage: string, apt: Packages['apt']): Promise<void> {
  if (apt.length === 0) return
  try {
    await ifExists(host.docker.getImage(aptTag(baseImage, apt)).remove())
  } catch (error) {
    // A container of another task looks into it.
    if (statusOf(error) !== 409) throw error
  }
}

/** Names images of `ensureAptImage` on a host. */
export const aptRepository = 'fairway/apt'

function environmentKey(baseImage: string, packages: Packages): string {
  const lines = [
    `recipe ${imageRecipeVersion}`,
    `base ${baseImage.replace(/^.*@/, '')}`,
    ...packageLines(packages),
  ]
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

function aptTag(baseImage: string, apt: Packages['apt']): string {
  return `${aptRepository}:${environmentKey(baseImage, { apt, python: [] })}`
}

export function labelsOfBase(baseImage: string): Record<string, string> {
  const [name = '', digest = ''] = baseImage.split('@')
  return { 'org.opencontainers.image.base.name': name, 'org.opencontainers.image.base.digest': digest }
}
