import { join } from 'node:path'
import { assembleImage, type Put, type Unpublished } from '../images/assemble.ts'
import { type LayerFile, writeLayer } from '../images/layer-file.ts'
import { foldersOf, type LayeredAddon, layersOf } from './addon-layers.ts'
import type { DockerHost } from './docker.ts'
import { packLayer } from './layer-tar.ts'
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
  readonly repository: string
  /** See assembleImage. */
  readonly name: string
  readonly anew: boolean
  readonly labels: Readonly<Record<string, string>>
  /** See assembleImage. */
  readonly unpublished?: Unpublished | undefined
  onLine(line: string): void
  readonly signal: AbortSignal
}

/** A project's image, in its registry: its environment, and a layer for each repository of addons. */
export function buildProjectImage(
  host: DockerHost,
  image: ProjectImage,
  registries: Registries,
): Promise<Put> {
  const { signal } = image
  const makeLayers = async (below: number) => {
    const layers: LayerFile[] = []
    for (const addons of layersOf(image.addons, image.repositories, below)) {
      const path = join(image.directory, `addons-${layers.length}.tar.gz`)
      const names = addons.map(({ name }) => name).join(' ')
      const tar = packLayer(foldersOf(addons, image.files), signal)
      layers.push(await writeLayer(path, tar, `fairway: addons ${names.slice(0, 200)}`, signal))
    }
    return layers
  }
  return assembleImage(host, { ...image, on: image.environment, makeLayers }, registries)
}
