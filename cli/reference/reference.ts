import { Command } from 'commander'
import type { Commands, Verb } from '../verb.ts'
import { addVerbOptions } from '../verb-options.ts'
import { type Candidates, candidatesOfArgument, candidatesOfOption, placeholderOf } from './candidates.ts'

/** What the man page and the completions are made of: the very definitions that commands are parsed by. */
export interface CommandReference {
  /** `build list`, or `login`. */
  readonly name: string
  readonly summary: string
  readonly details?: string
  readonly examples: readonly (readonly [command: string, does: string])[]
  readonly arguments: readonly ArgumentReference[]
  readonly options: readonly OptionReference[]
}

export interface ArgumentReference {
  /** As in the usage: `<project>`, `[branch]`, `<build...>`. */
  readonly usage: string
  readonly isVariadic: boolean
  readonly candidates: Candidates
}

export interface OptionReference {
  /** `-o`, `--output`: the flags alone. */
  readonly flags: readonly string[]
  /** `<file>`; undefined where it takes no value. */
  readonly value?: string
  readonly description: string
  readonly candidates: Candidates
}

export interface NounReference {
  readonly name: string
  readonly summary: string
  readonly verbs: readonly CommandReference[]
}

export interface Reference {
  readonly nouns: readonly NounReference[]
  /** Commands without a noun. */
  readonly plain: readonly CommandReference[]
}

export async function readReference({ nouns, plainVerbs }: Commands): Promise<Reference> {
  const listed = Object.entries(nouns).map(async ([name, { summary, verbs }]) => {
    const loaded = Object.entries(verbs).map(async ([verb, load]) =>
      referTo(`${name} ${verb}`, (await load()).command),
    )
    return { name, summary, verbs: await Promise.all(loaded) }
  })
  const plain = Object.entries(plainVerbs).map(async ([name, { load }]) =>
    referTo(name, (await load()).command),
  )
  return { nouns: await Promise.all(listed), plain: await Promise.all(plain) }
}

export const allCommands = ({ nouns, plain }: Reference): CommandReference[] => [
  ...nouns.flatMap(({ verbs }) => verbs),
  ...plain,
]

function referTo(name: string, { usage, summary, details, examples, ...verb }: Verb): CommandReference {
  const command = new Command().command(usage)
  addVerbOptions(command, { usage, summary, examples, ...verb })
  const [, ...words] = usage.split(' ')
  return {
    name,
    summary,
    details,
    examples,
    arguments: command.registeredArguments.map((argument, index) => ({
      usage: words[index] ?? argument.name(),
      isVariadic: argument.variadic,
      candidates: candidatesOfArgument(name, argument.name()),
    })),
    options: command.options
      .filter(({ hidden }) => !hidden)
      .map((option) => ({
        flags: [option.short, option.long].filter((flag) => flag !== undefined),
        value: placeholderOf(option.flags),
        description: option.description,
        candidates: candidatesOfOption(option),
      })),
  }
}
