import { Command, CommanderError } from 'commander'
import { didYouMean } from '../lib/words/nearest.ts'
import manifest from '../package.json' with { type: 'json' }
import { CliError, toCliError, usageError } from './errors.ts'
import { exitCodes, exitCodesHelp } from './exit-codes.ts'
import { foldText } from './fold-text.ts'
import { introduction } from './introduction.ts'
import { nouns, plainVerbs } from './nouns.ts'
import { tell } from './output.ts'
import { createSession } from './session.ts'
import { readSettings } from './settings.ts'
import { terminalWidth } from './terminal-width.ts'
import type { Noun, Verb } from './verb.ts'
import { addVerbOptions } from './verb-options.ts'

const help = `
${introduction}

${exitCodesHelp}

Environment: FAIRWAY_SERVER, FAIRWAY_TOKEN, NO_COLOR, XDG_CONFIG_HOME, XDG_CACHE_HOME, BROWSER

Examples:
  $ fairway login --server https://fairway.example
  $ fairway build start acme feature/hello --watch
  $ fairway logs acme/12 --follow
  $ fairway env open acme/feature/hello`

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('fairway')
    .description('Branches, builds and environments of your Odoo, on your own hosts')
    .version(manifest.version, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    // Beside a long usage there is less room than Commander would fold text into.
    .configureHelp({ minWidthToWrap: 20 })
    .configureOutput({ writeErr: (text) => tell(text.trimEnd()) })
    .addHelpText('after', folded(help))
  let exitCode: number = exitCodes.ok
  const [first = '', second = ''] = argv.filter((word) => !word.startsWith('-'))
  const addVerb = (parent: Command, command: Verb) => {
    add(parent, command, (code) => {
      exitCode = code
    })
  }
  for (const [name, noun] of Object.entries(nouns)) {
    const parent = program.command(name).description(noun.summary)
    if (name !== first && !(first === 'help' && name === second)) continue
    for (const command of await loadVerbs(noun, second)) addVerb(parent, command)
  }
  for (const [name, { summary, load }] of Object.entries(plainVerbs)) {
    if (name === first || (first === 'help' && name === second)) addVerb(program, (await load()).command)
    else program.command(name).description(summary)
  }
  try {
    requireKnown(argv)
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    throw error
  }
}

/** Also where --help follows, which would show another command's. Words behind an option may be its value. */
function requireKnown([first = '', second = '']: readonly string[]): void {
  const [noun, verb] = first === 'help' ? [second, ''] : [first, second]
  const known = [...Object.keys(nouns), ...Object.keys(plainVerbs)]
  if (isWord(noun) && !known.includes(noun))
    throw usageError(`There is no command ${noun}.${didYouMean(noun, known)} \`fairway --help\` lists all.`)
  const verbs = Object.keys(nouns[noun]?.verbs ?? {})
  if (isWord(verb) && verbs.length > 0 && !verbs.includes(verb))
    throw usageError(
      `There is no command ${noun} ${verb}.${didYouMean(verb, verbs)} \`fairway ${noun} --help\` lists all.`,
    )
}

const isWord = (text: string) => text !== '' && text !== 'help' && !text.startsWith('-')

const folded = (text: string): string => foldText(text, terminalWidth(process.stdout))

async function loadVerbs(noun: Noun, wanted: string): Promise<Verb[]> {
  const one = noun.verbs[wanted]
  const loads = one ? [one] : Object.values(noun.verbs)
  return await Promise.all(loads.map(async (load) => (await load()).command))
}

function add(parent: Command, definition: Verb, done: (exitCode: number) => void): void {
  const command = parent
    .command(definition.usage)
    .summary(definition.summary)
    .description([definition.summary, definition.details].filter(Boolean).join('.\n'))
  const name = [...(parent.parent ? [parent.name()] : []), command.name()].join(' ')
  addVerbOptions(command, definition)
    .showHelpAfterError(`How it is used: fairway ${name} --help`)
    .addHelpText(
      'after',
      folded(
        `\nExamples:\n${definition.examples.map(([text, does]) => `  $ ${text}\n      ${does}`).join('\n')}`,
      ),
    )
    .action(async () => done(await run(definition, command)))
}

async function run(definition: Verb, command: Command): Promise<number> {
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  process.once('SIGTERM', () => interrupted.abort())
  let server = 'of your settings'
  try {
    const options = command.opts()
    const session = await createSession(readSettings(), options, interrupted.signal)
    server = session.server
    const words = command.processedArgs.flat().filter((word) => word !== undefined) as string[]
    return (await definition.run(session, words, options)) ?? exitCodes.ok
  } catch (error) {
    if (interrupted.signal.aborted) return exitCodes.interrupted
    const { message, exitCode } = toCliError(error, server)
    tell(`fairway: ${message}`, command.opts().wide === true)
    return exitCode
  }
}

// A reader that has gone (`fairway logs … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(exitCodes.ok)
})
process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const { message, exitCode } = error instanceof CliError ? error : toCliError(error, '')
  tell(`fairway: ${message}`)
  return exitCode
})
