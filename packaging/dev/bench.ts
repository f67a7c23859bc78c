import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setUp } from './setup.ts'

/** `npm run bench -- NAME`: sets the machine up, then measures. */
await setUp()
const main = fileURLToPath(new URL('../../test/bench/run.ts', import.meta.url))
const child = spawn(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
const [code] = (await once(child, 'exit')) as [number | null]
process.exitCode = code ?? 1
