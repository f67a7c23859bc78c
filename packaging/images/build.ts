import { join } from 'node:path'
import { ensureBaseImage, type Suite } from './base-image.ts'
import { dockerBuild, dockerTag, findByRecipe, findImage, isUpToDate } from './docker-build.ts'
import { imagesFolder } from './folder.ts'
import { findMirror, type Mirror } from './mirror.ts'
import { ensurePushed } from './push.ts'
import { recipeOf } from './recipe.ts'

type Image = { version: string; suite: Suite }

const images = {
  odoo: { version: '19.0', suite: 'trixie' },
  postgres: { version: '18', suite: 'forky' },
  proxy: { version: '2', suite: 'trixie' },
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

/** Build the images that are missing or whose recipe has changed, and push them to a registry on this machine. */
export const buildImages = (options: BuildOptions): Promise<BuiltImages> =>
  eachImage(options, async (name, tag) => ({
    tag,
    digest: await ensurePushed(options.registry, `fairway/${name}`, images[name].version),
  }))

/** Gives the tag of each. */
export const buildTags = (options: BuildOptions): Promise<Record<ImageName, string>> =>
  eachImage(options, async (_, tag) => tag)

/** `registry.example/fairway/odoo:19.0` */
export const tagOf = (registry: string, image: ImageName): string =>
  `${registry}/fairway/${image}:${images[image].version}`

/**
 * Independent ones are built at the same time: on two cores the short ones are ready, and pushed, while Odoo is still being
 * unpacked.
 */
async function eachImage<T>(
  options: BuildOptions,
  then: (name: ImageName, tag: string) => Promise<T>,
): Promise<Record<ImageName, T>> {
  const mirror = await findMirror()
  const bases = new Map<Suite, Promise<string>>()
  const baseOf = (suite: Suite) => {
    const base = bases.get(suite) ?? ensureBaseImage(suite, mirror, options.force ?? false)
    bases.set(suite, base)
    return base
  }
  const built = await Promise.all(
    imageNames.map(async (name) => {
      const tag = await buildImage(name, await baseOf(images[name].suite), mirror, options)
      return [name, await then(name, tag)] as const
    }),
  )
  return Object.fromEntries(built) as Record<ImageName, T>
}

async function buildImage(
  name: ImageName,
  base: string,
  mirror: Mirror,
  options: BuildOptions,
): Promise<string> {
  const tag = tagOf(options.registry, name)
  const context = join(imagesFolder, name)
  const args: Record<string, string> = { BASE: base }
  if (name !== 'postgres') args.MIRROR = mirror.debian
  if (name === 'odoo') args.LANGUAGES = options.languages.join(' ')
  const recipe = await recipeOf(context, { args, base: (await findImage(base))?.Id })
  if (!options.force && (await isUpToDate(tag, recipe))) return tag
  // Built for another registry.
  const built = options.force ? undefined : await findByRecipe(recipe)
  if (built) {
    await dockerTag(built, tag)
    return tag
  }
  await dockerBuild({ tag, context, recipe, args, noCache: options.force, signal: options.signal })
  return tag
}
