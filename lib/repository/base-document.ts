import { z } from 'zod'
import { type ImageModule, imageModulesSchema } from './image-modules.ts'

const moduleDefaults = {
  depends: [],
  installable: true,
  countries: [],
  excludes: [],
  externalPython: [],
  externalBin: [],
  faults: [],
  neutralize: false,
  unread: '',
} satisfies Partial<ImageModule>

/** What was left out of each module. */
const fillIn = (modules: unknown) => {
  const given = z.record(z.string(), z.looseObject({})).safeParse(modules).data ?? {}
  return Object.fromEntries(Object.entries(given).map(([name, one]) => [name, { ...moduleDefaults, ...one }]))
}

const documentSchema = z.object({
  /** As the project names it: `registry.example/odoo:19.0`. */
  image: z.string(),
  digest: z.string(),
  odooVersion: z.string(),
  /** By name; what is left out is as in `moduleDefaults`. */
  modules: z.preprocess(fillIn, imageModulesSchema),
  /** Python distributions, by normalized name → version. */
  distributions: z.record(z.string(), z.string()),
  /** Names of programs on its PATH. */
  executables: z.array(z.string()),
})

/** What a base image has, as far as the files of a project are judged by it. */
export type BaseDocument = z.infer<typeof documentSchema>

/** As JSON; what most modules have in common is left out of each. */
export function describeBase(base: BaseDocument): string {
  const { image, digest, odooVersion, modules, distributions, executables } = base
  const said = Object.entries(modules).map(([name, module]) => [
    name,
    Object.fromEntries(Object.entries(module).filter(([key, value]) => !isDefault(key, value))),
  ])
  const document = {
    image,
    digest,
    odooVersion,
    modules: Object.fromEntries(said),
    distributions,
    executables,
  }
  return `${JSON.stringify(document)}\n`
}

function isDefault(key: string, value: unknown): boolean {
  const usual = (moduleDefaults as Record<string, unknown>)[key]
  return usual !== undefined && JSON.stringify(usual) === JSON.stringify(value)
}

/** Undefined for anything but such a document: one of a newer Fairway may differ. */
export function parseBaseDocument(text: string): BaseDocument | undefined {
  try {
    return documentSchema.safeParse(JSON.parse(text)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
