#!/usr/bin/env node
// Starts the command line under the Node that the checkout pins, whichever Node it was started with itself: as built by
// `npm run build`, or from source where that is newer. Plain JavaScript, because an older Node has to be able to read it.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const inCheckout = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const built = inCheckout('dist/cli/main.mjs')
const pinned = inCheckout('node_modules/node/bin/node')

const changedSince = (time) =>
  ['cli', 'proto/gen'].some((directory) =>
    readdirSync(inCheckout(directory), { recursive: true }).some(
      (name) => statSync(join(inCheckout(directory), name)).mtimeMs > time,
    ),
  )
const isBuilt = existsSync(built) && !changedSince(statSync(built).mtimeMs)
const main = isBuilt ? built : inCheckout('cli/main.ts')

const [major] = process.versions.node.split('.')
if (Number(major) >= 24) {
  await import(pathToFileURL(main).href)
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal signals the whole group; a signal sent to this process alone is handed on.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
} else {
  process.stderr.write('fairway needs Node 24: run `npm ci` in the checkout first.\n')
  process.exitCode = 1
}
