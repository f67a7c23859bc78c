import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from '../dev/command.ts'
import { homeDirectory } from '../dev/home.ts'
import { withLock } from '../dev/lock.ts'
import { type BuiltImages, buildTags, imageNames } from './build.ts'
import { nextStep } from './explain.ts'
import { publishImages } from './publish.ts'
import { requireRegistry } from './registry-place.ts'

const help = `fairway-server images: what hosts run, built from Debian packages

  fairway-server images build --registry HOST[/PREFIX] [--languages fr,pt_BR] [--force]
      Builds Odoo, PostgreSQL and the proxy and names them for that registry. As root, on Debian with Docker; what is
      built already is not built again. --languages: translations of Odoo beside English. --force: build all anew.
  fairway-server images push --registry HOST[/PREFIX]
      Pushes them there, and says what to set on server and hosts.

  --json: print JSON. Progress goes to standard error.
`

/** A command that was put wrongly. */
class UsageError extends Error {}

const options = {
  registry: { type: 'string' },
  languages: { type: 'string', default: '' },
  force: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

async function main(words: string[]): Promise<void> {
  const { positionals, values } = parse(words)
  if (values.help) return void process.stdout.write(help)
  const [verb, ...more] = positionals
  if ((verb !== 'build' && verb !== 'push') || more.length > 0)
    throw new UsageError(
      verb ? `I do not understand: images ${positionals.join(' ')}` : 'Which? build or push.',
    )
  const registry = place(values.registry)
  try {
    // First of all: else a package would be installed before it turned out that there is no Docker.
    await run('docker', ['version', '--format', '{{.Server.Version}}'])
    if (verb === 'push') return print(await publishImages(registry), registry, values.json)
    const languages = values.languages.split(/[\s,]+/).filter(Boolean)
    const tags = await withLock(join(homeDirectory('locks'), 'setup'), () =>
      buildTags({ registry, languages, force: values.force }),
    )
    if (values.json) return printJson({ images: imageNames.map((name) => ({ name, tag: tags[name] })) })
    for (const name of imageNames) process.stdout.write(`${tags[name]}\n`)
    process.stdout.write(`Next: fairway-server images push --registry ${registry}\n`)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    const next = nextStep(verb, said, registry)
    throw new Error(next ? `${next}\n\n${said}` : said, { cause: error })
  }
}

function print(pushed: BuiltImages, registry: string, json: boolean): void {
  const settings = { FAIRWAY_REGISTRY: registry }
  if (json) {
    const images = imageNames.map((name) => ({ name, ...pushed[name] }))
    printJson({ images, server: settings, agent: settings })
    return
  }
  for (const name of imageNames) process.stdout.write(`${pushed[name].tag}\n  ${pushed[name].digest}\n`)
  process.stdout.write(
    `In /etc/fairway/server.env, and in /etc/fairway/agent.env of each host:\n  FAIRWAY_REGISTRY=${registry}\n`,
  )
}

const printJson = (value: unknown) => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)

function parse(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function place(text: string | undefined): string {
  try {
    return requireRegistry(text)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

await main(process.argv.slice(2)).catch((error: Error) => {
  const usage = error instanceof UsageError
  process.stderr.write(`fairway-server images: ${error.message}\n${usage ? `\n${help}` : ''}`)
  process.exitCode = usage ? 2 : 1
})
