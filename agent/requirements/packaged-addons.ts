import { shownFolder } from '../git/source-names.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { judgeManifest } from '../repository/judge-manifest.ts'
import { maxManifestBytes } from '../repository/manifest.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { maxManifestsBytes, type PackagedAddonFiles, type ResolvedPython } from './pip.ts'

/** An addon that a Python package brings: the image has it in the namespace `odoo.addons`, beside Odoo's own. */
export interface PackagedAddon extends PlacedAddon {
  /** Name of the package, normalized. */
  readonly distribution: string
  readonly treeId: string
}

/** `MODULE_NAME_RE` of odoo/modules/module.py. */
const moduleName = /^\w{1,256}$/

/** `source` of an addon that a package brings: it is the project's as little as that of another repository is. */
const sourceOf = (distribution: string) => `python:${distribution}`

/**
 * Reads the manifests of addons that packages bring. What no Odoo can read is left out with a warning, and missed only where
 * it is needed; what is too large to be read here alone is refused, as Odoo would have it all the same. Throws TaskError
 * `addon-duplicate` where two packages bring one, and `manifest-invalid`.
 */
export async function readPackagedAddons(
  packages: readonly Pick<ResolvedPython, 'name' | 'addons'>[],
  series: string,
  context: Pick<TaskContext, 'warn' | 'signal'>,
): Promise<PackagedAddon[]> {
  const found = new Map<string, PackagedAddon>()
  for (const { name, addons } of packages) {
    const named = addons.filter(({ module }) => moduleName.test(module))
    for (const addon of named) requireRead(name, addon)
    const pathOf = (module: string) => `${name}/odoo/addons/${module}`
    const texts = named.map(({ module, manifest }) => ({
      file: `${pathOf(module)}/__manifest__.py`,
      content: Buffer.from(manifest, 'base64'),
    }))
    if (texts.length === 0) continue
    const read = await hostileText.read('manifests', `the manifests of ${name}`, [texts], context.signal)
    for (const [index, { module, neutralize, treeId }] of named.entries()) {
      const result = read[index]!
      if (!('manifest' in result)) {
        context.warn(`left out: ${result.message}`)
        continue
      }
      const other = found.get(module)
      if (other)
        throw new TaskError(
          'addon-duplicate',
          `the module ${module} comes with two Python packages, ${other.distribution} and ${name}: keep one in requirements.txt`,
        )
      const where = { module, path: pathOf(module), source: sourceOf(name), distribution: name, treeId }
      const { faults: _judged, ...manifest } = result.manifest
      const verdict = judgeManifest(result.manifest, series)
      // Nobody looks for its scripts: it may have some.
      const scripts = { hasNeutralize: neutralize, hasMigrations: true, hasTests: true }
      const its = { file: texts[index]!.file, isPackage: true, ...scripts }
      found.set(module, { ...manifest, ...where, ...its, ...verdict })
    }
  }
  return [...found.values()].sort((a, b) => (a.module < b.module ? -1 : 1))
}

function requireRead(
  distribution: string,
  { module, manifest, manifestBytes }: Pick<PackagedAddonFiles, 'module' | 'manifest' | 'manifestBytes'>,
): void {
  if (manifest !== '' || manifestBytes === 0) return
  const mebibytes = (bytes: number) => `${Math.ceil((bytes / 1024 ** 2) * 10) / 10} MiB`
  throw new TaskError(
    'manifest-invalid',
    `the manifest of the module ${module} in the Python package ${distribution} is too large to be read: it has ${mebibytes(manifestBytes)}; one may have ${mebibytes(maxManifestBytes)}, those of all packages ${mebibytes(maxManifestsBytes)}. Take the package out of requirements.txt, or another version of it`,
  )
}

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
