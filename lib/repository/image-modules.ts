import { z } from 'zod'
import { hostileText } from '../hostile-text/hostile-text.ts'
import type { UnreadFate } from './manifest.ts'
import { readFields } from './manifest-fields.ts'
import { describeName, odooNamePattern } from './module-name.ts'
import { rulesOf } from './odoo-series.ts'

/** What a manifest of an image says, as `Manifest` has it, and where it is. */
const imageModuleSchema = z.object({
  /** In the image: `/mnt/extra-addons/tool/__manifest__.py`. */
  file: z.string(),
  depends: z.array(z.string()),
  installable: z.boolean(),
  autoInstall: z.array(z.string()).optional(),
  countries: z.array(z.string()),
  excludes: z.array(z.string()),
  version: z.string(),
  writtenVersion: z.object({ text: z.string(), isString: z.boolean() }),
  externalPython: z.array(z.string()),
  externalBin: z.array(z.string()),
  faults: z.array(z.object({ stops: z.boolean(), what: z.string() })),
  neutralize: z.boolean(),
  /** Why it is not read here, naming its file, where Odoo does not pass over it; empty: it is read. */
  unread: z.string(),
})

export type ImageModule = z.infer<typeof imageModuleSchema>

export const imageModulesSchema = z.record(z.string(), imageModuleSchema)

/** A folder with a manifest, as the probe found it, in Odoo's order of folders. */
export const manifestFileSchema = z.object({
  module: z.string(),
  file: z.string(),
  /** In base64. */
  content: z.string(),
  neutralize: z.boolean(),
})

/** The modules that Odoo of this series sees in an image: of each the first whose manifest can be read. */
export async function readImageModules(
  files: readonly z.infer<typeof manifestFileSchema>[],
  series: string,
  signal: AbortSignal,
): Promise<Record<string, ImageModule>> {
  const { manifestNames } = rulesOf(series)
  const seen = files.filter(({ file }) => manifestNames.some((name) => file.endsWith(`/${name}`)))
  const texts = seen.map(({ file, content }) => ({ file, content: Buffer.from(content, 'base64') }))
  const read = await hostileText.read('manifests', "the base image's manifests", [texts], signal)
  const modules = new Map<string, ImageModule>()
  for (const [index, { module, file, neutralize }] of seen.entries()) {
    const result = read[index]!
    if (modules.has(module)) continue
    const unread = 'manifest' in result ? nameFault(module, file, series) : unreadFault(result)
    if (unread === undefined) continue
    // Titles and files to load are nothing that is asked of an image.
    const {
      name: _name,
      data: _data,
      demo: _demo,
      ...manifest
    } = 'manifest' in result ? result.manifest : readFields(new Map())
    modules.set(module, { ...manifest, file, neutralize, unread })
  }
  return Object.fromEntries(modules)
}

/** Undefined: Odoo passes over it, too. */
const unreadFault = ({ message, odoo }: { message: string; odoo: UnreadFate }) =>
  odoo === 'skips' ? undefined : message

/** `Manifest.__init__` of odoo/modules/module.py; empty: nothing is wrong with the name. */
const nameFault = (module: string, file: string, series: string): string =>
  rulesOf(series).stopsOnNames && !odooNamePattern.test(module) ? `${file}: ${describeName(module)}` : ''
