import { join } from 'node:path'
import { sourcesFolder } from '../../lib/repository/sources/source-names.ts'
import { maxLayers } from '../images/manifest.ts'
import type { LayerFolder } from './layer-tar.ts'

/** Where the official image and ours look for a project's addons. */
const addonsFolder = 'mnt/extra-addons'

export interface LayeredAddon {
  readonly name: string
  /** Folder of the assembled source. */
  readonly path: string
  /** Folder of the repository that it comes from; empty: the project's own. */
  readonly source: string
}

/**
 * Which addons go into which layer: one for each repository that addons come from, by path, and the project's own last,
 * so that what changes most often changes one small layer. Where there are more repositories than an image can have
 * layers, the last of them share one.
 *
 * @param repositories folders of submodules, whose addons count as theirs.
 */
export function layersOf(
  addons: readonly LayeredAddon[],
  repositories: readonly string[],
  baseLayers: number,
): LayeredAddon[][] {
  // In an order that says nothing of where they are.
  const sorted = addons.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const groups = Map.groupBy(sorted, (addon) => repositoryOf(addon, repositories))
  const own = groups.get('') ?? []
  const others = [...groups].filter(([path]) => path !== '').sort(([a], [b]) => (a < b ? -1 : 1))
  const room = Math.max(1, maxLayers - baseLayers - 1)
  const separate = others.length <= room ? others : others.slice(0, room - 1)
  const shared = others.slice(separate.length).flatMap(([, group]) => group)
  return [...separate.map(([, group]) => group), shared, own].filter((group) => group.length > 0)
}

/** Folder of the repository that an addon counts as part of; empty: the project's own. It is in the key of images. */
export function repositoryOf(
  { path, source }: Pick<LayeredAddon, 'path' | 'source'>,
  repositories: readonly string[],
): string {
  const outermost = repositories.toSorted((a, b) => a.length - b.length)
  return source || (outermost.find((folder) => path === folder || path.startsWith(`${folder}/`)) ?? '')
}

/** Where the addons of a layer are, and where the image has them. */
export function foldersOf(layer: readonly LayeredAddon[], files: string): LayerFolder[] {
  return layer.map(({ name, path }) => ({
    directory: join(files, path),
    target: `${addonsFolder}/${name}`,
    // Sources are placed among the files of the repository, which may itself be the addon.
    without: path === '' ? [sourcesFolder] : [],
  }))
}
