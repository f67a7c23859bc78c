#!/usr/bin/env node
// Starts cli/main.ts under the Node that the checkout pins, whichever Node it was started with itself. Plain
// JavaScript, because an older Node has to be able to read it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))

const [major] = process.versions.node.split('.')
if (Number(major) >= 24) {
  await import('./main.ts')
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
