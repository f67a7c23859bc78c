import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ProcessError, run } from './process.ts'

describe('run', () => {
  it('returns output and exit code, and inherits nothing from the agent', async () => {
    process.env.FAIRWAY_CANARY = 'secret'
    const result = await run('env', [])
    expect(result.exitCode).toBe(0)
    expect(result.stdout).not.toContain('secret')
    expect(result.stdout).toContain('PATH=')
  })

  it('passes arguments literally', async () => {
    expect((await run('printf', ['%s', '$(id); *'])).stdout).toBe('$(id); *')
  })

  it('throws with the end of what the command said', async () => {
    const failure = run('sh', ['-c', 'echo why >&2; exit 3'])
    await expect(failure).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining('why') })
  })

  it('keeps only the tail', async () => {
    const result = await run('sh', ['-c', 'seq 100000'], { keepBytes: 100 })
    expect(result.stdout.endsWith('100000\n')).toBe(true)
    expect(result.stdout.length).toBe(100)
    expect(result.truncated).toBe(true)
  })

  it('feeds input and lines', async () => {
    const lines: string[] = []
    await run('cat', [], { input: 'a\nb\nc', onLine: (_stream, line) => lines.push(line) })
    expect(lines).toEqual(['a', 'b', 'c'])
  })

  it('kills the whole process group on abort', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled')
    let grandchild = 0
    const running = run('sh', ['-c', 'sleep 60 & echo $!; wait'], {
      signal: controller.signal,
      onLine: (_stream, line) => {
        grandchild = Number(line)
        controller.abort(reason)
      },
    })
    await expect(running).rejects.toBe(reason)
    await expect.poll(() => isAlive(grandchild)).toBe(false)
  })

  it('ends a command that takes too long, and names one that does not exist', async () => {
    await expect(run('sleep', ['60'], { timeoutMs: 50 })).rejects.toMatchObject({ timedOut: true })
    await expect(run('no-such-command', [])).rejects.toBeInstanceOf(ProcessError)
  })
})

/** A zombie that nobody reaps (a container's process 1 may not) is dead as well. */
function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'))
}
