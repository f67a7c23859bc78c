import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { run } from '../../packaging/dev/command.ts'
import { startTestStack } from '../support/stack.ts'
import { type Benchmark, median, type Row } from './bench.ts'

const sampleEveryMs = 1_000

/** Resident memory of a server and an agent that have nothing to do, beside a Node process that does nothing at all. */
export const bench: Benchmark = {
  async run(args) {
    const { values } = parseArgs({ args, options: { seconds: { type: 'string', default: '30' } } })
    const samples = Number(values.seconds)
    await run('npm', ['run', '--silent', 'build'])
    const test = await startTestStack('bench')
    const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    try {
      await once(bare, 'spawn')
      const seen = { server: [] as number[], agent: [] as number[], bare: [] as number[] }
      for (let sample = 0; sample < samples; sample++) {
        // A sampling rate, not a synchronization.
        await pause(sampleEveryMs)
        seen.bare.push(await residentBytes(bare.pid as number))
        for (const name of ['server', 'agent'] as const) {
          seen[name].push(await residentBytes(Number(await readFile(test.stack.path(`${name}.pid`), 'utf8'))))
        }
      }
      const peer = median(seen.bare) / 1e6
      const row = (what: 'server' | 'agent', goal: string): Row => {
        const ours = median(seen[what]) / 1e6
        return { id: 'idle', what, ours, peer, peerName: 'bare node', unit: 'MB', ratio: ours / peer, goal }
      }
      return { runs: samples, rows: [row('agent', 'under 120 MB'), row('server', 'under 250 MB')] }
    } finally {
      bare.kill()
      await test.close()
    }
  },
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  if (!kibibytes) throw new Error(`process ${pid} has no memory of its own`)
  return Number(kibibytes) * 1024
}
