#!/usr/bin/env node
// Starts the command line: as built by `npm run build`, which any Node from 20 on runs; in a checkout whose source is newer
// the source, under the Node that the checkout pins. Plain JavaScript, because an older Node has to be able to read it.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const inCheckout = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const built = inCheckout('dist/cli/start.mjs')
const source = inCheckout('cli/start.ts')
const pinned = inCheckout('node_modules/node/bin/node')

const changedSince = (time) =>
  ['cli', 'lib', 'proto/gen'].some((directory) =>
    readdirSync(inCheckout(directory), { recursive: true }).some(
      (name) => statSync(join(inCheckout(directory), name)).mtimeMs > time,
    ),
  )
// Installed there is no source.
const isBuilt = existsSync(built) && (!existsSync(source) || !changedSince(statSync(built).mtimeMs))
const main = isBuilt ? built : source

const major = Number(process.versions.node.split('.')[0])
if (major < 20) {
  process.stderr.write(`fairway needs Node 20 or newer; this is ${process.version}.\n`)
  process.exitCode = 1
} else if (isBuilt || major >= 24) {
  await import(pathToFileURL(main).href)
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal signals the whole group; a signal sent to this process alone is handed on.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
} else {
  process.stderr.write('fairway needs Node 24 here: run `npm ci` in the checkout first.\n')
  process.exitCode = 1
}
