import { join } from 'node:path'
import { ensureBaseImage, type Suite } from './base-image.ts'
import { dockerBuild, findImage, isUpToDate } from './docker-build.ts'
import { findMirror, type Mirror } from './mirror.ts'
import { ensurePushed } from './push.ts'
import { recipeOf } from './recipe.ts'

type Image = { name: string; version: string; suite: Suite }

const images = {
  odoo: { name: 'odoo', version: '19.0', suite: 'trixie' },
  postgres: { name: 'postgres', version: '18', suite: 'forky' },
  proxy: { name: 'proxy', version: '2', suite: 'trixie' },
} satisfies Record<string, Image>

export type ImageName = keyof typeof images
export const imageNames = Object.keys(images) as ImageName[]

/** `registry/fairway/odoo:19.0` and the same by digest. */
export type BuiltImage = { tag: string; digest: string }
export type BuiltImages = Record<ImageName, BuiltImage>

export type BuildOptions = {
  registry: string
  /** Translations of Odoo to keep besides English, as in `['fr', 'pt_BR']`. */
  languages: string[]
  /** Build anew what is up to date. */
  force?: boolean
  signal?: AbortSignal
}

/**
 * Build the images that are missing or whose recipe has changed, and push them. Independent ones are built at the same
 * time: on two cores the short ones are ready, and pushed, while Odoo is still being unpacked.
 */
export async function buildImages(options: BuildOptions): Promise<BuiltImages> {
  const mirror = await findMirror()
  const bases = new Map<Suite, Promise<string>>()
  const baseOf = (suite: Suite) => {
    const base = bases.get(suite) ?? ensureBaseImage(suite, mirror, options.force ?? false)
    bases.set(suite, base)
    return base
  }
  const built = await Promise.all(
    imageNames.map(async (name) => {
      const image = images[name]
      const tag = await buildImage(image, await baseOf(image.suite), mirror, options)
      const digest = await ensurePushed(options.registry, `fairway/${image.name}`, image.version)
      return [name, { tag, digest }] as const
    }),
  )
  return Object.fromEntries(built) as BuiltImages
}

async function buildImage(
  image: Image,
  base: string,
  mirror: Mirror,
  options: BuildOptions,
): Promise<string> {
  const tag = `${options.registry}/fairway/${image.name}:${image.version}`
  const context = join(import.meta.dirname, image.name)
  const args: Record<string, string> = { BASE: base }
  if (image.name !== 'postgres') args.MIRROR = mirror.debian
  if (image.name === 'odoo') args.LANGUAGES = options.languages.join(' ')
  const recipe = await recipeOf(context, { args, base: (await findImage(base))?.Id })
  if (!options.force && (await isUpToDate(tag, recipe))) return tag
  await dockerBuild({ tag, context, recipe, args, noCache: options.force, signal: options.signal })
  return tag
}
