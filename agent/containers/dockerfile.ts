/** Where the official image and ours look for a project's addons. */
export const addonsFolder = 'mnt/extra-addons'

export interface EnvironmentRecipe {
  /** By digest. */
  readonly baseImage: string
  /** User of the base image, as its configuration names it. */
  readonly user: string
  readonly apt: readonly { readonly name: string; readonly version: string }[]
  /** Whether the context has a layer of Python packages: python.tar. */
  readonly python: boolean
  readonly labels: Readonly<Record<string, string>>
}

/**
 * Base image, Debian packages, Python packages: what stays the same while addons change. Nothing of the repository is run.
 * Change it together with `imageRecipeVersion` in agent/repository/lock.ts.
 */
export function renderEnvironment({ baseImage, user, apt, python, labels }: EnvironmentRecipe): string {
  return [
    `FROM ${baseImage}`,
    ...(apt.length > 0 ? ['USER root', `RUN ${JSON.stringify(['sh', '-c', installApt(apt)])}`] : []),
    // As the base image had it; what is added belongs to root nevertheless.
    ...(apt.length > 0 && user !== '' ? [`USER ${user}`] : []),
    ...(python ? ['ADD python.tar /'] : []),
    ...renderLabels(labels),
    '',
  ].join('\n')
}

function installApt(apt: EnvironmentRecipe['apt']): string {
  const packages = apt.map(({ name, version }) => `${name}=${version}`).join(' ')
  return [
    'set -e',
    'export DEBIAN_FRONTEND=noninteractive',
    'apt-get -qq -o Acquire::Retries=3 update',
    `apt-get -qq -y -o Acquire::Retries=3 --no-install-recommends --allow-downgrades install -- ${packages}`,
    'rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /var/lib/dpkg/*-old',
  ].join('\n')
}

/**
 * The recipe of every project image: its environment by digest and the addons, one layer for each of `layers`, owned by
 * root so that Odoo cannot change its own code. Nothing of the repository is run. Change it together with
 * `imageRecipeVersion` in agent/repository/lock.ts.
 *
 * ADD unpacks a layer with the times it has in the archive, folders included: the same addons, the same layer, on any host.
 */
export function renderDockerfile(
  environment: string,
  layers: readonly string[],
  labels: Readonly<Record<string, string>>,
): string {
  const adds = layers.map((layer) => `ADD ${layer} /`)
  return [`FROM ${environment}`, ...adds, ...renderLabels(labels), ''].join('\n')
}

/** All in one instruction: each takes the builder as long as a layer does. Last, as they change with every commit. */
function renderLabels(labels: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${quote(name)}=${quote(value)}`)
  return pairs.length > 0 ? [`LABEL ${pairs.join(' ')}`] : []
}

/** One word of an instruction, in which nothing is expanded. */
const quote = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  `"${text.replace(/[\x00-\x1f\x7f]/g, ' ').replace(/["\\$]/g, '\\$&')}"`
