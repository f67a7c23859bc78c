import type { ModuleFacts } from './module-facts.ts'

/** All modules that an Odoo can see. */
export type VisibleModules = ReadonlyMap<string, ModuleFacts>

/** Says which modules Odoo would install by itself as others are installed. */
export interface AutoInstalls {
  /** To be told of every module that is installed, once. */
  installed(name: string): void
  /** One more that would come by now; undefined: none. Each is named once. */
  next(): string | undefined
}

/**
 * What Odoo marks while it creates a database, before anybody asked for a module: `initialize` of odoo/modules/db.py.
 * It asks for no country there, and a dependency that it cannot see does not keep a module back.
 */
export function listInstalledAtCreation(modules: VisibleModules): ReadonlySet<string> {
  const rules = { mayCome: () => true, waitsFor: (name: string) => modules.has(name) }
  return growFrom(['base'], modules, watch(modules, rules))
}

/**
 * What comes with others: `must_install` in `button_install` of odoo/addons/base/models/ir_module.py. A module for some
 * countries comes only where a company is in one of them, which no company of a new database is.
 */
export const watchAutoInstalls = (modules: VisibleModules): AutoInstalls =>
  watch(modules, { mayCome: ({ countries }) => countries.length === 0, waitsFor: () => true })

/** Those that come where a company is in one of their countries, sorted. */
export function listByCountry(modules: VisibleModules, installed: ReadonlySet<string>): string[] {
  const all = growFrom(installed, modules, watch(modules, { mayCome: () => true, waitsFor: () => true }))
  return [...all].filter((name) => !installed.has(name)).sort()
}

interface AutoInstallRules {
  mayCome(facts: ModuleFacts): boolean
  /** Whether a trigger that is not installed keeps its modules back. */
  waitsFor(name: string): boolean
}

/** In time that grows with the number of dependencies: a hostile repository has many. */
function watch(modules: VisibleModules, { mayCome, waitsFor }: AutoInstallRules): AutoInstalls {
  const lacking = new Map<string, number>()
  const waiting = new Map<string, string[]>()
  const ready: string[] = []
  for (const [name, facts] of [...modules].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const isPassedOver = !facts.installable || (facts.unfit !== undefined && !facts.failsLate)
    if (!facts.autoInstall || isPassedOver || !mayCome(facts)) continue
    const triggers = [...new Set(facts.autoInstall)].filter(waitsFor)
    lacking.set(name, triggers.length)
    if (triggers.length === 0) ready.push(name)
    for (const trigger of triggers) {
      const names = waiting.get(trigger)
      if (names) names.push(name)
      else waiting.set(trigger, [name])
    }
  }
  let named = 0
  return {
    installed(trigger) {
      for (const name of waiting.get(trigger) ?? []) {
        const left = lacking.get(name)! - 1
        lacking.set(name, left)
        if (left === 0) ready.push(name)
      }
      waiting.delete(trigger)
    },
    next: () => ready[named++],
  }
}

function growFrom(start: Iterable<string>, modules: VisibleModules, automatic: AutoInstalls): Set<string> {
  const chosen = new Set<string>()
  // What a module needs beside its triggers comes with it.
  const pending = [...start]
  for (;;) {
    const name = pending.pop() ?? automatic.next()
    if (name === undefined) return chosen
    const facts = modules.get(name)
    if (!facts || chosen.has(name)) continue
    chosen.add(name)
    automatic.installed(name)
    pending.push(...facts.depends)
  }
}
