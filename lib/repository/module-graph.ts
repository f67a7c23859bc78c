import type { ModuleFacts } from './module-facts.ts'

export interface ModuleSources {
  /** Modules of the repository and its sources; they hide modules of the image with the same name. */
  own: ReadonlyMap<string, ModuleFacts>
  image: ReadonlyMap<string, ModuleFacts>
  /** What is there and not used, and why, for people: who needs one of these misses it. */
  leftOut?: ReadonlyMap<string, string>
  /** Where modules were looked for, for people: `the repository (addons, custom)`. */
  searched: readonly string[]
}

/** What every database has. */
export const always = 'base'

export const findFacts = (name: string, { own, image }: ModuleSources): ModuleFacts | undefined =>
  own.get(name) ?? image.get(name)

/** The first in order last, to be taken from the end. */
export function dependenciesOf(name: string, facts: ModuleFacts | undefined): string[] {
  if (facts && facts.depends.length > 0) return [...facts.depends].sort().reverse()
  // As Odoo does for a manifest that names nothing.
  return name === always ? [] : [always]
}
