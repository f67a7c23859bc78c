import { join } from 'node:path'
import { foldersOf, type LayeredAddon, layersOf } from './addon-layers.ts'
import { buildImage, writeLayerFile } from './build.ts'
import type { DockerHost } from './docker.ts'
import { renderDockerfile } from './dockerfile.ts'
import { requireByDigest } from './images.ts'
import type { Registries } from './registry-credentials.ts'

export interface ProjectImage {
  /** What it stands on, by digest. */
  readonly environment: string
  readonly addons: readonly LayeredAddon[]
  /** The assembled source, and the folders in it that are repositories of their own. */
  readonly files: string
  readonly repositories: readonly string[]
  /** An empty place of the task. */
  readonly directory: string
  readonly tag: string
  readonly labels: Readonly<Record<string, string>>
  onLine(line: string): void
  readonly signal: AbortSignal
}

/** Builds a project's image, without any network: its environment, and a layer for each repository of addons. */
export async function buildProjectImage(
  host: DockerHost,
  image: ProjectImage,
  registries: Registries,
): Promise<void> {
  const { signal } = image
  const environment = await requireByDigest(host, image.environment, signal, registries)
  const baseLayers = environment.RootFS.Layers?.length ?? 0
  const layers = layersOf(image.addons, image.repositories, baseLayers)
  const files = layers.map((_, index) => ({
    name: `addons-${index}.tar`,
    path: join(image.directory, `addons-${index}.tar`),
  }))
  for (const [index, layer] of layers.entries())
    await writeLayerFile(files[index]!.path, foldersOf(layer, image.files), signal)
  await buildImage(host, {
    dockerfile: renderDockerfile(
      image.environment,
      files.map(({ name }) => name),
      image.labels,
    ),
    files,
    tag: image.tag,
    network: 'none',
    onLine: image.onLine,
    signal,
  })
}
