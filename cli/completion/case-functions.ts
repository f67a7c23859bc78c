import { allCommands, type Reference } from '../reference/reference.ts'
import { argumentPlaces, flagsOf, furtherPlaces, offerOf, topFlags, valuePlaces } from './places.ts'

/** In single quotes: nothing in it is expanded. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/**
 * Functions that bash and zsh read alike. Each sets the array `offer`, and fails where it knows nothing. `wordOf` writes a
 * word that is offered, with what it does.
 */
export function caseFunctions(reference: Reference, wordOf: (word: string, does: string) => string): string {
  const described = (words: readonly (readonly [string, string])[]) =>
    `words ${words.map(([word, does]) => wordOf(word, does)).join(' ')}`
  const top = [
    ...[...reference.nouns, ...reference.plain].map(({ name, summary }) => [name, summary] as const),
    ['help', 'how a command is used'] as const,
  ]
  const verbs = reference.nouns.map(({ name, verbs }) => {
    const words = verbs.map((verb) => [verb.name.slice(name.length + 1), verb.summary] as const)
    return [quoted(name), described(words)] as const
  })
  const flags = allCommands(reference).map(
    (command) => [quoted(command.name), described(flagsOf(command))] as const,
  )
  return [
    choice('_fairway_verbs', '$1', [["''", described(top)], ...verbs]),
    choice('_fairway_flags', '$1', [["''", described(topFlags)], ...flags]),
    choice(
      '_fairway_value',
      '$1',
      valuePlaces(reference).map(({ name, candidates }) => [quoted(name), offerOf(candidates)]),
    ),
    choice(
      '_fairway_argument',
      '$1',
      argumentPlaces(reference).map((place) => [
        place.isVariadic ? `${quoted(furtherPlaces(place))}*` : quoted(place.name),
        offerOf(place.candidates),
      ]),
    ),
  ].join('\n')
}

const choice = (
  name: string,
  word: string,
  rows: readonly (readonly [pattern: string, offer: string])[],
): string =>
  [
    `${name}() {`,
    `  case ${word} in`,
    ...rows.map(([pattern, offer]) => `    ${pattern}) offer=(${offer}) ;;`),
    '    *) return 1 ;;',
    '  esac',
    '}',
    '',
  ].join('\n')

/**
 * Takes the line apart, for bash and zsh alike: the command, the option whose value stands at `cur`, how many arguments came
 * before; and has `offer` filled by the functions above.
 */
export const takeApart = (line: {
  readonly first: number
  readonly cursor: string
  readonly word: string
}): string =>
  `  for ((index = ${line.first}; index < ${line.cursor}; index++)); do
    word=${line.word}
    if [[ -n $behind ]]; then
      behind=''
    elif [[ $word == -* ]]; then
      if _fairway_value "$command $word"; then behind="$command $word"; fi
    elif [[ -z $command ]]; then
      command=$word
    elif _fairway_verbs "$command"; then
      command+=" $word"
    else
      taken=$((taken + 1))
    fi
  done
  offer=()
  if [[ -n $behind ]]; then
    _fairway_value "$behind"
  elif [[ $cur == -* ]]; then
    _fairway_flags "$command"
  else
    _fairway_verbs "$command" || _fairway_argument "$command $taken"
  fi`
