import { readFile, rm } from 'node:fs/promises'
import { waitFor } from '../wait-for.ts'

const stopDeadlineMs = 60_000

/** The process that a pid file names, if it still is one of ours (a Node running a main file); stale files are removed. */
export async function findProcess(pidFile: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readOr(pidFile, ''), 10)
  if (Number.isNaN(pid)) return undefined
  const commandLine = await readOr(`/proc/${pid}/cmdline`, '')
  if (commandLine.split('\0').some((argument) => /\/main\.(ts|mjs)$/.test(argument))) return pid
  await rm(pidFile, { force: true })
  return undefined
}

/** Ends the process of a pid file and waits until it is gone; none is fine. */
export async function endProcess(pidFile: string, signal: NodeJS.Signals): Promise<void> {
  const pid = await findProcess(pidFile)
  if (pid === undefined) return
  process.kill(pid, signal)
  await waitFor(
    async () => (await findProcess(pidFile)) === undefined,
    () => `process ${pid} did not end on ${signal}`,
    { deadlineMs: stopDeadlineMs },
  )
}

async function readOr(path: string, otherwise: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise
    throw error
  }
}
