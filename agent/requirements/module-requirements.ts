import type { ImageFacts } from '../containers/image-facts.ts'
import { TaskError } from '../tasks/task.ts'
import { parseRequirement, type Requirement } from './requirement.ts'

/** What requirements need to know of a module of the project. */
export interface ModuleNeeds {
  readonly module: string
  /** Folder of the assembled source. */
  readonly path: string
  readonly depends: readonly string[]
  readonly externalPython: readonly string[]
  readonly externalBin: readonly string[]
}

type Python = Pick<ImageFacts, 'distributions' | 'imports'>

/**
 * `external_dependencies.python` of modules, as requirements. Names of what one imports, the older style, become the
 * distribution of the image that brings it; what the image plainly has is left out.
 *
 * @throws TaskError `requirements-invalid`, naming the manifest.
 */
export function pythonOfModules(modules: readonly ModuleNeeds[], image: Python): Requirement[] {
  return modules.flatMap((module) =>
    module.externalPython.flatMap((text) => {
      const origin = manifestOf(module)
      const requirement = parseRequirement(text, origin)
      if (!requirement)
        throw new TaskError(
          'requirements-invalid',
          `${origin}: external_dependencies.python holds ${JSON.stringify(text.slice(0, 100))}, which is no requirement such as num2words>=0.5`,
        )
      const known = asDistribution(requirement, image)
      return known.plain && known.name in image.distributions ? [] : [known]
    }),
  )
}

function asDistribution(requirement: Requirement, image: Python): Requirement {
  if (requirement.name in image.distributions) return requirement
  const written = /^[A-Za-z0-9._-]+/.exec(requirement.text)![0]
  const brought = image.imports[written] ?? image.imports[written.split('.')[0]!]
  if (brought === undefined) return requirement
  return { ...requirement, name: brought, text: brought + requirement.text.slice(written.length) }
}

/**
 * Makes sure that the image has the programs that modules ask for.
 *
 * @throws TaskError `binary-missing`, naming each program, its manifest and who needs the module.
 */
export function requirePrograms(
  modules: readonly ModuleNeeds[],
  executables: readonly string[],
  chainOf: (module: string) => readonly string[],
): void {
  const there = new Set(executables)
  const missing = modules.flatMap((module) =>
    module.externalBin
      .filter((program) => !there.has(program))
      .map((program) => {
        const chain = chainOf(module.module)
        const needed = chain.length > 1 ? `; needed by ${chain.join(' → ')}` : ''
        return `${JSON.stringify(program.slice(0, 60))} (${manifestOf(module)}${needed})`
      }),
  )
  if (missing.length === 0) return
  const rest = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
  throw new TaskError(
    'binary-missing',
    `the image has no program ${missing.slice(0, 5).join(', ')}${rest}: add the Debian package that brings it to fairway.yaml, as in apt: [poppler-utils]`,
  )
}

/** A shortest way from a module that is wanted to `module`, both included; only `module` where there is none. */
export function chainTo(
  module: string,
  wanted: readonly string[],
  dependsOf: (module: string) => readonly string[],
): string[] {
  const from = new Map<string, string | undefined>(wanted.map((name) => [name, undefined]))
  // A Map is walked in the order of its entries, those that are added meanwhile included.
  for (const [name] of from) {
    if (name === module) break
    for (const next of dependsOf(name)) if (!from.has(next)) from.set(next, name)
  }
  const chain = [module]
  for (let before = from.get(module); before !== undefined; before = from.get(before)) chain.unshift(before)
  return chain
}

const manifestOf = ({ path }: ModuleNeeds) => `${path}/__manifest__.py`
