import { listSentences, listShort } from '../../lib/words/list-short.ts'
import { TaskError } from '../tasks/task.ts'
import { findDistribution } from './import-names.ts'
import type { ManifestEntry, UnmetEntry } from './pip.ts'
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

/** What Python has, as far as it is known without asking it. */
export interface KnownPython {
  /** By normalized name. */
  readonly distributions: ReadonlySet<string>
  /** First names of what one can import. */
  readonly imports: ReadonlySet<string>
}

/** What a manifest asks of Python, in `external_dependencies.python`. */
export type ModuleRequirement = Requirement & ManifestEntry

/**
 * `external_dependencies.python` of modules.
 *
 * @throws TaskError `requirements-invalid`, naming the manifest.
 */
export function pythonOfModules(modules: readonly ModuleNeeds[]): ModuleRequirement[] {
  return modules.flatMap((module) =>
    module.externalPython.map((text) => {
      const origin = manifestOf(module)
      const requirement = parseRequirement(text, origin)
      if (requirement) return { ...requirement, kept: keptFor(requirement) }
      throw new TaskError(
        'requirements-invalid',
        `${origin}: external_dependencies.python holds ${JSON.stringify(text.slice(0, 100))}, which is no requirement such as num2words>=0.5`,
      )
    }),
  )
}

/** As Odoo looks for it: a distribution of that name, else an import. What has more than a name is the image's to judge. */
export const isPlainlyMet = ({ name, plain, text }: Requirement, known: KnownPython): boolean =>
  plain && (known.distributions.has(name) || known.imports.has(text))

/** A name of an import says nothing of versions to Odoo: it takes one with a version for a distribution. */
function keptFor({ name, plain, text }: Requirement): string {
  const found = findDistribution(plain ? text : name) ?? findDistribution(name)
  if (found === undefined) return ''
  return plain ? found : found === name ? text : ''
}

/**
 * @param imports of the image, and the package that brings each.
 * @throws TaskError `python-unnamed` with the line to write, for what no package of the image brings.
 */
export function requireMet(
  unmet: readonly UnmetEntry[],
  asking: readonly ModuleRequirement[],
  imports: Readonly<Record<string, string>>,
): void {
  if (unmet.length === 0) return
  const faults = unmet.map(({ text, why, bringer }) => {
    const origins = [...new Set(asking.filter((one) => one.text === text).map(({ origin }) => origin))]
    const brought = bringer || (imports[/^[\w]*/.exec(text)![0]] ?? '')
    return `${origins.slice(0, 3).join(', ')} asks for ${JSON.stringify(text.slice(0, 100))}${adviceFor(text, why, brought)}`
  })
  throw new TaskError(
    'python-unnamed',
    `${listSentences(faults, 5)}. No package index is asked for a name that only a manifest gives: anybody may have taken it there`,
  )
}

function adviceFor(text: string, why: string, bringer: string): string {
  if (why === 'invalid') return ', which is no requirement: write a package, as num2words>=0.5'
  if (why !== '') return `, but its version is ${why}: add the line ${text} to requirements.txt`
  if (bringer !== '')
    return `, which Odoo takes for a package of that name; the import comes with ${bringer}: write that in the manifest`
  return `, which nothing in the image or in requirements.txt brings: add the package that does to requirements.txt, the line ${text} if that is its name on the index`
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
  throw new TaskError(
    'binary-missing',
    `the image has no program ${listShort(missing, 5)}: add the Debian package that brings it to fairway.yaml, as in apt: [poppler-utils]`,
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
