import { exitCodesHelp } from '../exit-codes.ts'
import type { CommandReference, OptionReference, Reference } from './reference.ts'

export interface PageFacts {
  readonly version: string
  /** `2026-11-30`, or nothing. */
  readonly date: string
  /** Paragraphs, with empty lines between them. */
  readonly introduction: string
  /** Variables, each with what it is. */
  readonly environment: readonly (readonly [name: string, what: string])[]
}

/** `man fairway`, in the `man` macros, which groff and mandoc both read. The same input gives the same page. */
export function manPage(
  reference: Reference,
  { version, date, introduction, environment }: PageFacts,
): string {
  return [
    `.TH FAIRWAY 1 "${date}" "fairway ${text(version)}" "Fairway"`,
    '.SH NAME',
    'fairway \\- branches, builds and environments of your Odoo, on your own hosts',
    '.SH SYNOPSIS',
    '.B fairway',
    '.I noun verb',
    '[\\fIarguments\\fR] [\\fIoptions\\fR]',
    '.SH DESCRIPTION',
    ...paragraphs(introduction),
    '.SH COMMANDS',
    ...reference.nouns.flatMap(({ name, summary, verbs }, index) => [
      // A section begins with a paragraph by itself.
      ...(index > 0 ? ['.PP'] : []),
      `\\fB${text(name)}\\fR: ${text(summary)}.`,
      ...verbs.flatMap(section),
    ]),
    ...reference.plain.flatMap(section),
    '.SH EXIT STATUS',
    ...block(exitCodesHelp.split('\n').slice(1)),
    '.SH ENVIRONMENT',
    ...environment.flatMap(([name, what]) => ['.TP', `.B ${text(name)}`, line(what)]),
    '.SH FILES',
    '.TP',
    '.I $XDG_CONFIG_HOME/fairway/credentials.json',
    'Logins, one for each server.',
    '.TP',
    '.I $XDG_CACHE_HOME/fairway/',
    'Code that Node has compiled. It may be removed at any time.',
    '',
  ].join('\n')
}

function section({ name, summary, details, examples, ...command }: CommandReference): string[] {
  const usage = command.arguments.map((argument) => ` \\fI${text(argument.usage)}\\fR`).join('')
  return [
    `.SS fairway ${text(name)}${usage}`,
    line(`${summary}.`),
    ...(details ? ['.PP', ...paragraphs(details)] : []),
    ...command.options.flatMap(option),
    '.PP',
    'Examples:',
    ...examples.flatMap(([example, does]) => ['.TP', `\\fB${text(example)}\\fR`, line(does)]),
  ]
}

const option = ({ flags, value, description }: OptionReference): string[] => [
  '.TP',
  `\\fB${flags.map(text).join('\\fR, \\fB')}\\fR${value ? ` \\fI${text(value)}\\fR` : ''}`,
  line(description),
]

const paragraphs = (all: string): string[] =>
  all
    .trim()
    .split('\n')
    .map((one) => (one.trim() === '' ? '.PP' : line(one.trim())))

const block = (lines: readonly string[]): string[] => ['.nf', ...lines.map(line), '.fi']

/** A line of its own: what begins as a request is none. */
const line = (words: string): string => text(words).replace(/^(?=[.'])/, '\\&')

/** Words that mean themselves: hyphens that can be copied, and nothing beyond ASCII. */
export const text = (words: string): string =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '\\(ga')
    .replaceAll("'", '\\(aq')
    .replaceAll('"', '\\(dq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll(
      /[^ -~\n]/gu,
      (letter) => `\\[u${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`,
    )
