import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'

export type Daemon = {
  program: string
  args: string[]
  /** Added to this process's environment. */
  env?: Record<string, string>
  logFile: string
  /** Written here when the program doesn't write one itself. */
  pidFile?: string
}

/** Start a program in a session of its own that lives on when we end. `exited` tells whether it has died. */
export async function startDaemon({ program, args, env, logFile, pidFile }: Daemon) {
  const log = openSync(logFile, 'a')
  const child = spawn(program, args, {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let failure: string | undefined
  child.on('error', (error) => {
    failure = error.message
  })
  child.on('exit', (code, signal) => {
    failure ??= `exited with ${code ?? signal}`
  })
  child.unref()
  if (pidFile && child.pid) await writeFile(pidFile, `${child.pid}\n`)
  return {
    /** Throws, with the end of the log, when the program has ended. */
    async requireAlive(): Promise<void> {
      if (failure)
        throw new Error(`${program} ${failure}; its log ${logFile} ends:\n${await logTail(logFile)}`)
    },
  }
}

async function logTail(logFile: string, lines = 15): Promise<string> {
  const text = await readFile(logFile, 'utf8')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

/** The process a pid file names, if it runs and is the program it should be; a stale file is removed. */
export async function findRunning(pidFile: string, program: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readIfThere(pidFile), 10)
  if (Number.isNaN(pid)) return undefined
  // "4711 (dockerd) S …"; the kernel cuts the name at 15 characters, and a zombie (Z) is dead but not reaped
  const [, name, state] = /\((.*)\) (\S)/.exec(await readIfThere(`/proc/${pid}/stat`)) ?? []
  if (name && program.startsWith(name) && state !== 'Z') return pid
  await rm(pidFile, { force: true })
  return undefined
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  }
}
