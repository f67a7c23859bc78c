import { findDistribution } from '../../lib/requirements/import-names.ts'
import { parseRequirement, type Requirement } from '../../lib/requirements/requirement.ts'
import { listSentences, listShort } from '../../lib/words/list-short.ts'
import { TaskError } from '../tasks/task.ts'
import type { ManifestEntry, UnmetEntry } from './pip.ts'

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

/** What a manifest asks of Python, in `external_dependencies.python`; its text as it stands there. */
export type ModuleRequirement = Requirement & ManifestEntry & { readonly module: string }

/** For what is said of modules that lack something. */
export interface NeedsTold {
  /** Why one is installed, for people; empty where it is asked for by name. */
  reasonOf(module: string): string
  /** Told what an error for many names only a part of. */
  note(text: string): void
}

const shown = 5

/**
 * `external_dependencies.python` of modules.
 *
 * @throws TaskError `requirements-invalid`, naming the manifest.
 */
export function pythonOfModules(modules: readonly ModuleNeeds[], told: NeedsTold): ModuleRequirement[] {
  return modules.flatMap((needs) =>
    needs.externalPython.map((text) => {
      const { module } = needs
      const origin = manifestOf(needs)
      const requirement = parseRequirement(text, origin)
      // Odoo imports it by all that is written, blanks included.
      if (requirement) return { ...requirement, text, module, kept: keptFor(requirement) }
      throw new TaskError(
        'requirements-invalid',
        `${origin}: external_dependencies.python holds ${JSON.stringify(text.slice(0, 100))}, ` +
          `which is no requirement such as num2words>=0.5${behind(told.reasonOf(module))}`,
      )
    }),
  )
}

const behind = (reason: string) => reason && `; ${reason}`

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
  { reasonOf, note }: NeedsTold,
): void {
  if (unmet.length === 0) return
  const askers = Map.groupBy(asking, ({ text }) => text)
  const asks = ({ text }: UnmetEntry): string => {
    const origins = [...new Set(askers.get(text)?.map(({ origin }) => origin))]
    return `${listShort(origins, 3)} asks for ${JSON.stringify(text.slice(0, 100))}`
  }
  const describe = (entry: UnmetEntry): string => {
    const { text, why, bringer } = entry
    const [first] = askers.get(text) ?? []
    const reason = first ? reasonOf(first.module) : ''
    const brought = bringer || (imports[/^[\w]*/.exec(text.trim())![0]] ?? '')
    return `${asks(entry)}${adviceFor(text, why, brought)}${behind(reason)}`
  }
  const isLong = unmet.length > shown
  if (isLong) for (const entry of unmet) note(asks(entry))
  throw new TaskError(
    'python-unnamed',
    `${listSentences(unmet, shown, describe)}${isLong ? ', all of them in the log' : ''}. ` +
      'No package index is asked for a name that only a manifest gives: anybody may have taken it there',
  )
}

function adviceFor(text: string, why: string, bringer: string): string {
  if (why === 'invalid') return ', which is no requirement: write a package, as num2words>=0.5'
  if (why !== '') return `, but its version is ${why}: add the line ${text} to requirements.txt`
  if (bringer !== '')
    return `, which Odoo takes for a package of that name; the import comes with ${bringer}: write that in the manifest`
  return (
    ', which nothing in the image or in requirements.txt brings: add the package that does to requirements.txt, ' +
    `the line ${text.trim()} if that is its name on the index`
  )
}

/**
 * Makes sure that the image has the programs that modules ask for.
 *
 * @throws TaskError `binary-missing`, naming each program, its manifest and who needs the module.
 */
export function requirePrograms(
  modules: readonly ModuleNeeds[],
  executables: readonly string[],
  { reasonOf, note }: NeedsTold,
): void {
  const there = new Set(executables)
  const missing = modules.flatMap((needs) =>
    needs.externalBin.filter((program) => !there.has(program)).map((program) => ({ program, needs })),
  )
  if (missing.length === 0) return
  type Missing = (typeof missing)[number]
  const name = ({ program }: Missing) => JSON.stringify(program.slice(0, 60))
  const describe = (one: Missing) =>
    `${name(one)} (${manifestOf(one.needs)}${behind(reasonOf(one.needs.module))})`
  const isLong = missing.length > shown
  if (isLong) for (const one of missing) note(`missing program: ${name(one)} (${manifestOf(one.needs)})`)
  throw new TaskError(
    'binary-missing',
    `the image has no program ${listShort(missing, shown, describe)}${isLong ? ', all of them in the log' : ''}: ` +
      'add the Debian package that brings it to fairway.yaml, as in apt: [poppler-utils]',
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
  for (let before = from.get(module); before !== undefined; before = from.get(before)) chain.push(before)
  return chain.reverse()
}

const manifestOf = ({ path }: ModuleNeeds) => `${path}/__manifest__.py`
