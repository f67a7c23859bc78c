import { readdirSync, readFileSync } from 'node:fs'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { nouns, plainVerbs } from './nouns.ts'
import type { Verb } from './verb.ts'
import { addVerbOptions } from './verb-options.ts'

// What README, docs and the examples of --help tell people to type is what the command line takes.

const root = new URL('../', import.meta.url)
const pages = ['README.md', ...readdirSync(new URL('docs/', root)).map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith('.md'),
)

const noun = (name: string) => nouns[name]
const verbs = new Map<string, Verb>()
for (const [name, { verbs: loads }] of Object.entries(nouns)) {
  for (const [verb, load] of Object.entries(loads)) verbs.set(`${name} ${verb}`, (await load()).command)
}
for (const [name, { load }] of Object.entries(plainVerbs)) verbs.set(name, (await load()).command)

/** Words of a line of a shell, up to whatever comes after the command. */
function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [word, quoted, double] of line.matchAll(
    /'([^']*)'|"((?:[^"\\]|\\.)*)"|&&|[|;<>#]|[^\s'"|;<>#&]+/g,
  )) {
    if (/^(&&|[|;<>#])$/.test(word)) break
    words.push(quoted ?? double ?? word)
  }
  return words
}

/**
 * Why it is none that the command line takes; undefined where it is one. In a sentence a command may be named without what it
 * needs.
 */
function faultOf(command: string, isNamed = false): string | undefined {
  const [first = '', second = '', ...rest] = wordsOf(command).slice(1)
  if (first.startsWith('-') || first === 'help') return undefined
  // `fairway secret` names what there is, and no command.
  if (noun(first) && second === '') return undefined
  const plain = verbs.get(first)
  const verb = plain ?? verbs.get(`${first} ${second}`)
  if (!verb) return 'there is no such command'
  return parseFault(verb, plain ? [second, ...rest].filter(Boolean) : rest, isNamed)
}

function parseFault(verb: Verb, words: readonly string[], isNamed: boolean): string | undefined {
  let said = ''
  const program = new Command('fairway').exitOverride()
  const command = program
    .command(verb.usage)
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        said += text
      },
      writeOut: () => undefined,
    })
  addVerbOptions(command, verb).action(() => undefined)
  try {
    program.parse([command.name(), ...words], { from: 'user' })
    return undefined
  } catch (error) {
    const { code = '' } = error as { code?: string }
    const isFine =
      code === 'commander.helpDisplayed' || (isNamed && /missing(Argument|MandatoryOption)/.test(code))
    return isFine ? undefined : said.trim() || code
  }
}

/** Each whole command of a page, with its line: of sessions in blocks, and in the text between backticks. */
function* commandsOf(text: string): Generator<[line: number, command: string, isNamed: boolean]> {
  let inBlock = false
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('```')) inBlock = !inBlock
    else if (inBlock) {
      const found = /^(?:\$ )?(?:.*\| )?(?:npx )?(fairway(?: .+)?)$/.exec(line.replace(/\s# .*/, ''))
      if (found?.[1]) yield [index + 1, found[1], false]
    } else for (const [, code = ''] of line.matchAll(/`(fairway [^`]+)`/g)) yield [index + 1, code, true]
  }
}

/** Not one that stands for several, or goes on elsewhere. */
const isWhole = (command: string) => !/…|\.\.\.|<|\\$/.test(command)

test.each(pages)('%s', (page) => {
  const faults = [...commandsOf(readFileSync(new URL(page, root), 'utf8'))]
    .filter(([, command]) => isWhole(command))
    .map(([line, command, isNamed]) => [`${page}:${line}`, command, faultOf(command, isNamed)] as const)
    .filter(([, , fault]) => fault !== undefined)
  expect(faults).toEqual([])
})

test.each([...verbs])('the examples of fairway %s', (_, verb) => {
  const faults = verb.examples
    .map(([command]) => command)
    .flatMap((command) => command.match(/(?<![-\w])fairway .*/) ?? [])
    .map((command) => [command, faultOf(command)] as const)
    .filter(([, fault]) => fault !== undefined)
  expect(faults).toEqual([])
})

test('what is wrong is found', () => {
  for (const command of [
    'fairway build strat acme',
    'fairway build show --nope',
    'fairway secret set acme A --env',
    'fairway rollback acme more words',
  ]) {
    expect(faultOf(command)).toBeTruthy()
  }
})
