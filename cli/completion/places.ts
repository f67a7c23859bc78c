import type { Candidates } from '../reference/candidates.ts'
import { allCommands, type CommandReference, type Reference } from '../reference/reference.ts'

/** A place of the line, and what may stand there. */
export interface Place {
  /** `build list --branch`: behind that option; `build list 0`: the first argument. */
  readonly name: string
  /** Of arguments: further ones as well. */
  readonly isVariadic: boolean
  readonly candidates: Candidates
}

/** Behind the options that take a value. */
export const valuePlaces = (reference: Reference): Place[] =>
  allCommands(reference).flatMap(({ name, options }) =>
    options
      .filter(({ value }) => value !== undefined)
      .flatMap(({ flags, candidates }) =>
        flags.map((flag) => ({ name: `${name} ${flag}`, isVariadic: false, candidates })),
      ),
  )

export const argumentPlaces = (reference: Reference): Place[] =>
  allCommands(reference).flatMap(({ name, arguments: all }) =>
    all.map(({ isVariadic, candidates }, index) => ({ name: `${name} ${index}`, isVariadic, candidates })),
  )

/** An argument's place and all behind it, as a pattern of the three shells' `case`; names of commands need no escaping. */
export const furtherPlaces = ({ name }: Place): string => name.slice(0, name.lastIndexOf(' ') + 1)

/** What to offer, as words that the functions of the scripts take. */
export function offerOf(candidates: Candidates): string {
  if (candidates.kind === 'words') return `words ${candidates.words.join(' ')}`
  return candidates.kind === 'names' ? `names ${candidates.of}` : candidates.kind
}

/** Every flag with what it does. */
export const flagsOf = ({ options }: CommandReference): (readonly [flag: string, does: string])[] => [
  ...options.flatMap(({ flags, description }) => flags.map((flag) => [flag, description] as const)),
  ['--help', 'how it is used'],
]

export const topFlags = [
  ['--help', 'all commands'],
  ['--version', 'of this command line'],
] as const

/** Names of a server that no shell takes for anything but themselves. Others are not offered. */
export const plainName = /^[A-Za-z0-9][A-Za-z0-9._/+-]*$/
