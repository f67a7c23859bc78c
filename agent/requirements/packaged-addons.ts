import { hostileText } from '../../lib/hostile-text/hostile-text.ts'
import { addonFrom } from '../../lib/repository/addon-from.ts'
import { maxManifestBytes } from '../../lib/repository/manifest.ts'
import { describeName, moduleNamePattern } from '../../lib/repository/module-name.ts'
import type { PlacedAddon } from '../../lib/repository/module-places.ts'
import { shownFolder } from '../../lib/repository/sources/source-names.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { maxManifestsBytes, type PackagedAddonFiles, type ResolvedPython } from './pip.ts'

/** An addon that a Python package brings: the image has it in the namespace `odoo.addons`, beside Odoo's own. */
export interface PackagedAddon extends PlacedAddon {
  /** Name of the package, normalized. */
  readonly distribution: string
  readonly treeId: string
}

/**
 * Reads the manifests of addons that packages bring. What Odoo cannot read is left out with a warning, as Odoo passes over it,
 * and missed only where it is needed. Nothing else can be left out of the image: what is not known here is refused. Throws
 * TaskError `addon-duplicate` where two packages bring one, and `manifest-invalid`.
 */
export async function readPackagedAddons(
  packages: readonly Pick<ResolvedPython, 'name' | 'addons'>[],
  series: string,
  context: Pick<TaskContext, 'warn' | 'signal'>,
): Promise<PackagedAddon[]> {
  const found = new Map<string, PackagedAddon>()
  for (const { name, addons } of packages)
    for (const addon of await readAddonsOf(name, addons, series, context)) {
      const other = found.get(addon.module)
      if (other)
        throw new TaskError(
          'addon-duplicate',
          `the module ${addon.module} comes with two Python packages, ${other.distribution} and ${name}: keep one in requirements.txt`,
        )
      found.set(addon.module, addon)
    }
  return [...found.values()].sort((a, b) => (a.module < b.module ? -1 : 1))
}

async function readAddonsOf(
  distribution: string,
  addons: readonly PackagedAddonFiles[],
  series: string,
  context: Pick<TaskContext, 'warn' | 'signal'>,
): Promise<PackagedAddon[]> {
  for (const addon of addons) requireKnown(distribution, addon)
  if (addons.length === 0) return []
  const pathOf = (module: string) => `${distribution}/odoo/addons/${module}`
  const texts = addons.map(({ module, manifest }) => ({
    file: `${pathOf(module)}/__manifest__.py`,
    content: Buffer.from(manifest, 'base64'),
  }))
  const what = `the manifests of ${distribution}`
  const read = await hostileText.read('manifests', what, [texts], context.signal)
  return addons.flatMap(({ module, neutralize, treeId }, index): PackagedAddon[] => {
    const result = read[index]!
    const { file } = texts[index]!
    if ('manifest' in result) {
      // Nobody looks for its scripts: it may have some.
      const scripts = { hasNeutralize: neutralize, hasMigrations: true, hasTests: true }
      const where = { module, path: pathOf(module), file, isPackage: true, source: distribution }
      const place = { ...where, ...scripts, inImage: 'packages' as const, distribution, treeId }
      return [addonFrom(place, result.manifest, series)]
    }
    if (result.odoo !== 'skips') throw refusal(distribution, module, `is not read: ${result.message}`)
    context.warn(`left out: ${result.message}`)
    return []
  })
}

function requireKnown(
  distribution: string,
  { module, manifest, manifestBytes }: Pick<PackagedAddonFiles, 'module' | 'manifest' | 'manifestBytes'>,
): void {
  if (!moduleNamePattern.test(module))
    throw refusal(distribution, module, `cannot be used: ${describeName(module)}`)
  if (manifest !== '' || manifestBytes === 0) return
  const mebibytes = (bytes: number) => `${Math.ceil((bytes / 1024 ** 2) * 10) / 10} MiB`
  throw refusal(
    distribution,
    module,
    `is too large to be read: it has ${mebibytes(manifestBytes)}; one may have ${mebibytes(maxManifestBytes)}, those of all packages ${mebibytes(maxManifestsBytes)}`,
  )
}

const refusal = (distribution: string, module: string, why: string) =>
  new TaskError(
    'manifest-invalid',
    `the manifest of the module ${module.slice(0, 200)} in the Python package ${distribution} ${why}. Take the package out of requirements.txt, or another version of it`,
  )

/** Odoo would take the package's, whatever the repository says. Throws TaskError `addon-duplicate`. */
export function refuseBoth(addons: readonly PlacedAddon[], packaged: readonly PackagedAddon[]): void {
  const own = new Map(addons.map((addon) => [addon.module, addon]))
  for (const { module, distribution } of packaged) {
    const other = own.get(module)
    if (other)
      throw new TaskError(
        'addon-duplicate',
        `the module ${module} exists 2 times: ${shownFolder(other.path)}, and in the Python package ${distribution}, which Odoo would take; keep one: remove the package from requirements.txt, or leave the folder out${other.source ? ' with sources.exclude in fairway.yaml' : ''}`,
      )
  }
}

/** What is in a package is in the image: none of it can be left out. Throws TaskError `module-uninstallable`. */
export function requireFit(packaged: readonly PackagedAddon[], fit: ReadonlySet<PlacedAddon>): void {
  const unfit = packaged.find((addon) => !fit.has(addon))
  if (unfit)
    throw new TaskError(
      'module-uninstallable',
      `the module ${unfit.module} of the Python package ${unfit.distribution} would stop Odoo, which installs it by itself or cannot read it${unfit.unfit ? ` (${unfit.unfit})` : ''}: take the package out of requirements.txt, or another version of it`,
    )
}
