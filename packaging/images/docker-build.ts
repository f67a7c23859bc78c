import { run } from '../dev/command.ts'
import { step } from '../dev/progress.ts'

const recipeLabel = 'fairway.recipe'

export type Build = {
  tag: string
  /** Folder with the Dockerfile. */
  context: string
  recipe: string
  args?: Record<string, string>
  noCache?: boolean
  signal?: AbortSignal
}

type Inspected = { Id: string; RepoDigests?: string[]; Config: { Labels: Record<string, string> | null } }

/** The image under this tag, if there is one. */
export async function findImage(tag: string): Promise<Inspected | undefined> {
  const ids = await run('docker', ['image', 'ls', '--quiet', tag])
  if (ids.trim() === '') return undefined
  const [image] = JSON.parse(await run('docker', ['image', 'inspect', tag])) as Inspected[]
  return image
}

/** Whether the image under this tag was made from this recipe. */
export async function isUpToDate(tag: string, recipe: string): Promise<boolean> {
  const image = await findImage(tag)
  return image?.Config.Labels?.[recipeLabel] === recipe
}

/** Id of an image that was made from this recipe, under whatever tag. */
export async function findByRecipe(recipe: string): Promise<string | undefined> {
  const filter = `label=${recipeLabel}=${recipe}`
  const ids = await run('docker', ['image', 'ls', '--quiet', '--no-trunc', '--filter', filter])
  return ids.split('\n')[0] || undefined
}

export async function dockerTag(image: string, tag: string): Promise<void> {
  await run('docker', ['tag', image, tag])
}

/**
 * docker build with the classic builder (Debian 12 has no other), on the host's network: the package mirror may be
 * one that only the host's own /etc/hosts or proxy reaches.
 */
export async function dockerBuild({
  tag,
  context,
  recipe,
  args = {},
  noCache,
  signal,
}: Build): Promise<void> {
  // By name alone, since a proxy's address may have a password in it, and a command that failed is shown.
  const proxy = proxySettings()
  const given = [...Object.keys(proxy), ...Object.entries(args).map(([name, value]) => `${name}=${value}`)]
  const buildArgs = given.flatMap((one) => ['--build-arg', one])
  const options = ['--network', 'host', '--label', `${recipeLabel}=${recipe}`, '--tag', tag, ...buildArgs]
  if (noCache) options.push('--no-cache')
  await step(`build ${tag}`, () =>
    run('docker', ['build', ...options, context], { env: { ...proxy, DOCKER_BUILDKIT: '0' }, signal }),
  )
}

function proxySettings(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy']
  const entries = names.map((name) => [name, process.env[name] ?? process.env[name.toUpperCase()]] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => Boolean(entry[1])))
}
