import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nouns, plainVerbs } from '../../cli/nouns.ts'
import manifest from '../../package.json' with { type: 'json' }
import { buildArtefacts } from '../../packaging/artefacts/build.ts'
import type { Tarball } from '../../packaging/artefacts/tarball.ts'
import { run } from '../../packaging/dev/command.ts'
import { machinePath } from '../support/machine-path.ts'

// The command line as people install it: by the machine's own npm, which may ask nobody, under the machine's own Node.

const checkout = fileURLToPath(new URL('../../', import.meta.url))
let root: string
let packed: Tarball
const env = () => ({ PATH: `${join(root, 'bin')}:${machinePath()}`, HOME: root, NODE_COMPILE_CACHE: '' })
const fairway = (...words: string[]) => run('fairway', words, { env: env(), cwd: root })

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-cli-artefact-'))
  packed = (await buildArtefacts(['cli'], join(root, 'packed')))[0]!
  const options = ['--global', '--prefix', root, '--offline', '--no-audit', '--no-fund']
  await run('npm', ['install', ...options, packed.path], { env: env(), cwd: root })
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('it needs no other package, and knows its version', async () => {
  expect(await readdir(join(root, 'lib/node_modules'))).toEqual(['fairway-cli'])
  expect(await readdir(join(root, 'lib/node_modules/fairway-cli'))).not.toContain('node_modules')
  expect(await fairway('--version')).toBe(`${manifest.version}\n`)
})

test('every verb can be loaded', async () => {
  const said = [
    ...Object.keys(nouns).map((noun) => fairway(noun, '--help')),
    ...Object.keys(plainVerbs).map((verb) => fairway(verb, '--help')),
  ]
  for (const text of await Promise.all(said)) expect(text).toMatch(/^Usage: fairway /)
})

test('every file of it can be loaded', async () => {
  const dist = join(root, 'lib/node_modules/fairway-cli/dist/cli')
  const script = `
    const { readdirSync } = await import('node:fs')
    const { once } = await import('node:events')
    const { Worker } = await import('node:worker_threads')
    const files = readdirSync('.').map((name) => process.cwd() + '/' + name)
    const threads = files.filter((path) => path.endsWith('-worker.mjs'))
    // These two run at once.
    const modules = files.filter((path) => !threads.includes(path) && !/\\/(main|start)\\.mjs$/.test(path))
    for (const path of modules) await import(path)
    for (const path of threads) {
      const thread = new Worker(path, { execArgv: [] })
      await once(thread, 'message')
      await thread.terminate()
    }
    console.log(modules.length > 100, threads.length > 0)`
  const said = await run('node', ['--input-type=module', '--eval', script], { env: env(), cwd: dist })
  expect(said).toBe('true true\n')
})

test('it has a man page and its licences, and nothing of the machine that built it', async () => {
  const installed = join(root, 'lib/node_modules/fairway-cli')
  expect(await readFile(join(root, 'share/man/man1/fairway.1'), 'utf8')).toMatch(/^\.TH FAIRWAY 1 /)
  const licences = await readFile(join(installed, 'LICENSES.txt'), 'utf8')
  for (const name of ['commander', '@bufbuild/protobuf', '@connectrpc/connect-node', 'tar-stream'])
    expect(licences).toContain(`\n${name} `)

  for (const entry of await readdir(installed, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const text = await readFile(join(entry.parentPath, entry.name), 'utf8')
    expect(text.includes(checkout), `$entry.namenames the checkout`).toBe(false)
  }
})

test('the same input gives the same bytes', async () => {
  const now = new Date()
  await utimes(join(checkout, 'cli/fairway.mjs'), now, now)
  const [again] = await buildArtefacts(['cli'], join(root, 'again'))
  expect(again?.sha256).toBe(packed.sha256)
})

test('compiled code is kept where only its owner may write, or nowhere', async () => {
  // The Node of this test, since 20 keeps nothing.
  const start = (XDG_CACHE_HOME: string) =>
    run(process.execPath, [join(root, 'bin/fairway'), '--version'], { env: { ...env(), XDG_CACHE_HOME } })
  const [own, open] = [join(root, 'own'), join(root, 'open')]
  await mkdir(own)
  await start(own)
  expect(await readdir(join(own, 'fairway'))).toEqual(['compiled'])
  await mkdir(join(open, 'fairway'), { recursive: true })
  await chmod(join(open, 'fairway'), 0o777)
  await start(open)
  expect(await readdir(join(open, 'fairway'))).toEqual([])
})
