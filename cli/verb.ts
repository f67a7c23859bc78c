import type { Command } from 'commander'
import type { ExitCode } from './exit-codes.ts'
import type { Session } from './session.ts'

/** One command, `fairway <noun> <verb>`: a file of cli/commands each. */
export interface Verb<Options = Record<string, unknown>> {
  /** Name and arguments as commander writes them. */
  readonly usage: string
  /** One line, imperative. */
  readonly summary: string
  /** Each with what it does. */
  readonly examples: readonly (readonly [command: string, does: string])[]
  /** Sentences between the summary and the options. */
  readonly details?: string
  /**
   * Destroys, stops, takes away or approves something, and so asks first (`requireConfirmed`): gives it `--yes`. `typed`: it
   * asks for a name, and has an option of its own that says it.
   */
  readonly asks?: 'yes' | 'typed'
  readonly configure?: (command: Command) => void
  /** Gives the exit code; nothing means 0. */
  run(session: Session, words: string[], options: Options): Promise<ExitCode | undefined>
}

type Load = () => Promise<{ readonly command: Verb }>

export interface Noun {
  readonly summary: string
  readonly verbs: Record<string, Load>
}

/** A command without a noun. */
export interface PlainVerb {
  readonly summary: string
  readonly load: Load
}

export interface Commands {
  readonly nouns: Record<string, Noun>
  readonly plainVerbs: Record<string, PlainVerb>
}

/** Keeps a verb's option types to its own file. */
export const verb = <Options = Record<string, unknown>>(definition: Verb<Options>): Verb =>
  definition as unknown as Verb
