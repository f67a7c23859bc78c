import { allCommands, type Reference } from '../reference/reference.ts'
import {
  argumentPlaces,
  flagsOf,
  furtherPlaces,
  offerOf,
  plainName,
  topFlags,
  valuePlaces,
} from './places.ts'

// What a function prints is offered as it is, and fish quotes what it inserts.

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

type Described = readonly (readonly [word: string, does: string])[]

const described = (words: Described) =>
  `__fairway_words ${words.map(([word, does]) => quoted(`${word}\t${does}`)).join(' ')}`

const choice = (name: string, rows: readonly (readonly [pattern: string, command: string])[]): string =>
  [
    `function ${name}`,
    '  switch $argv[1]',
    ...rows.map(([pattern, command]) => `    case ${pattern}\n      ${command}`),
    "    case '*'\n      return 1",
    '  end',
    'end',
    '',
  ].join('\n')

const helpers = `\
function __fairway_words
  printf '%s\\n' $argv
end

function __fairway_names
  command fairway completion --names $argv[1] 2>/dev/null </dev/null | string match --regex '${plainName.source}'
  return 0
end

function __fairway_files
  __fish_complete_path (commandline -ct)
end

function __fairway_unknown
end
`

const complete = `\
function __fairway_complete
  set -l words (commandline -opc)
  set -l command ''
  set -l behind ''
  set -l taken 0
  for word in $words[2..]
    if test -n "$behind"
      set behind ''
    else if string match --quiet -- '-*' $word
      contains -- "$command $word" $__fairway_valued; and set behind "$command $word"
    else if test -z "$command"
      set command $word
    else if contains -- "$command" $__fairway_nouns
      set command "$command $word"
    else
      set taken (math $taken + 1)
    end
  end
  if test -n "$behind"
    __fairway_value "$behind"
  else if string match --quiet -- '-*' (commandline -ct)
    __fairway_flags "$command"
  else
    __fairway_verbs "$command"; or __fairway_argument "$command $taken"
  end
end

complete --command fairway --no-files --arguments '(__fairway_complete)'
`

/** `fairway completion fish` */
export function fishCompletion(reference: Reference): string {
  const { nouns, plain } = reference
  const values = valuePlaces(reference)
  const top = [...nouns, ...plain].map(({ name, summary }) => [name, summary] as const)
  return [
    '# fairway: completion for fish, made by `fairway completion fish`\n',
    `set -g __fairway_nouns ${nouns.map(({ name }) => name).join(' ')}`,
    `set -g __fairway_valued ${values.map(({ name }) => quoted(name)).join(' ')}\n`,
    helpers,
    choice('__fairway_verbs', [
      ["''", described([...top, ['help', 'how a command is used']])],
      ...nouns.map(
        ({ name, verbs }) =>
          [
            name,
            described(verbs.map((verb) => [verb.name.slice(name.length + 1), verb.summary] as const)),
          ] as const,
      ),
    ]),
    choice('__fairway_flags', [
      ["''", described(topFlags)],
      ...allCommands(reference).map(
        (command) => [quoted(command.name), described(flagsOf(command))] as const,
      ),
    ]),
    choice(
      '__fairway_value',
      values.map(({ name, candidates }) => [quoted(name), `__fairway_${offerOf(candidates)}`]),
    ),
    choice(
      '__fairway_argument',
      argumentPlaces(reference).map((place) => [
        quoted(place.isVariadic ? `${furtherPlaces(place)}*` : place.name),
        `__fairway_${offerOf(place.candidates)}`,
      ]),
    ),
    complete,
  ].join('\n')
}
