import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Metafile } from 'esbuild'
import { inCheckout } from './checkout.ts'
import { listFolder, type Source } from './tarball.ts'

/** A package of node_modules, as it is installed. */
export interface Package {
  readonly name: string
  readonly version: string
  readonly licence: string
  readonly folder: string
  readonly dependencies: readonly string[]
}

export const readPackage = (name: string): Promise<Package> => readAt(inCheckout('.'), name)

/** `inside`: a folder with a node_modules of its own. */
async function readAt(inside: string, name: string): Promise<Package> {
  const folder = join(inside, 'node_modules', name)
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    version: string
    license?: string | { type: string }
    licenses?: { type: string }[]
    dependencies?: Record<string, string>
  }
  const { version, license, licenses, dependencies = {} } = manifest
  const licence = typeof license === 'object' ? license.type : (license ?? licenses?.[0]?.type ?? 'not said')
  return { name, version, licence, folder, dependencies: Object.keys(dependencies) }
}

/** These and all that they need, by the folder that Node finds it in; what they only may use stays out. */
export async function withDependencies(names: readonly string[]): Promise<Package[]> {
  const found = new Map<string, Package>()
  const waiting = await Promise.all(names.map(readPackage))
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (found.has(one.folder)) continue
    found.set(one.folder, one)
    for (const name of one.dependencies) {
      const hasItsOwn = existsSync(join(one.folder, 'node_modules', name))
      waiting.push(hasItsOwn ? await readAt(one.folder, name) : await readPackage(name))
    }
  }
  return [...found.values()]
}

/** Packages of which a bundle has code in it. */
export async function bundledPackages({ inputs }: Metafile): Promise<Package[]> {
  const names = Object.keys(inputs).flatMap(
    (path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1] ?? [],
  )
  return await Promise.all([...new Set(names)].map(readPackage))
}

const neverNeeded =
  /^node_modules\/|\.(map|d\.[cm]?ts|ts|md|markdown|a)$|(^|\/)(test|tests|examples|util|docs|build\/Release|dist\.web|pkgconfig|include)\//

/** What runs of a package, below node_modules in the artefact. */
export const filesOf = async ({ folder }: Package): Promise<Map<string, Source>> =>
  await listFolder(folder, relative(inCheckout('.'), folder), (path) => !neverNeeded.test(path))

/** Texts of licences that the package brings. */
export async function licenceTexts({ folder }: Package): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
  const files = names.toSorted().map((name) => readFile(join(folder, name), 'utf8'))
  return (await Promise.all(files)).map((text) => text.trim())
}
