import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { type DockerHost, findContainer, ifExists, statusOf, stopContainer } from './docker.ts'
import { readLogs } from './follow.ts'

const lookMs = 100
/** `Worker.run` of Odoo's service/server.py, from 14 to 19, after its last request or job has ended. */
const workIsOver = /\bWorker \((\d{1,10})\) exiting\./

/** A process of a container: numbers of the host's, and its state as `ps` has it. */
interface Process {
  readonly pid: number
  readonly parent: number
  readonly state: string
}

/**
 * Stops a runtime as `stopContainer` does: requests and jobs that run come to their end, within the grace. It does not wait
 * for what Python does once all of them have: it takes each worker's memory apart, object by object, which takes seconds
 * and serves nobody. That their work is over is what workers say of themselves. Where they say nothing (threads instead of
 * workers, a log level above `info`), and while anything else runs in there, it waits to the end.
 *
 * @param note what people are told of it.
 */
export async function stopOdoo(
  host: DockerHost,
  name: string,
  graceSeconds: number,
  note: (text: string) => void,
): Promise<void> {
  const found = await findContainer(host, name)
  if (!found?.State.Running) return stopContainer(host, name, graceSeconds)
  const ended = new AbortController()
  const stopping = stopContainer(host, found.Id, graceSeconds).finally(() => ended.abort())
  // Ended with the stop. Whatever else keeps it from looking, the stop is waited for.
  const looking = endOnceIdle(host, found.Id, found.State.Pid, ended.signal).catch((error: Error) => {
    if (!ended.signal.aborted)
      note(`Odoo is waited for until it has ended by itself, as its work cannot be watched: ${error.message}`)
  })
  await stopping
  await looking
}

/** Kills it once nothing works in it any more. Rejects once `ended`. */
async function endOnceIdle(host: DockerHost, id: string, init: number, ended: AbortSignal): Promise<void> {
  const idle = new Set<number>()
  const since = { timestamp: new Date().toISOString().replace('Z', '000000Z'), lines: 0 }
  const read = readLogs(host, id, { follow: true, position: since, signal: ended }, ({ text }) => {
    const [, pid] = workIsOver.exec(text) ?? []
    if (pid) idle.add(Number(pid))
  })
  const watch = async () => {
    for (;;) {
      await delay(lookMs, undefined, { signal: ended })
      const processes = idle.size > 0 ? await listProcesses(host, id) : undefined
      if (processes && (await areIdle(processes, init, idle))) return kill(host, id)
    }
  }
  await Promise.all([read, watch()])
}

/**
 * Whether all that is left are workers whose work is over, the server that waits for them, and the container's init. Modules
 * may have begun threads of their own, which Python waits for at its end.
 */
async function areIdle(
  processes: readonly Process[],
  init: number,
  idle: ReadonlySet<number>,
): Promise<boolean> {
  const left = processes.filter(({ pid, state }) => pid !== init && !state.startsWith('Z'))
  const [server, ...others] = left.filter(({ parent }) => parent === init)
  if (!server || others.length > 0) return false
  for (const { pid, parent } of left) {
    const facts = await readFacts(pid)
    if (facts?.threads !== 1) return false
    if (pid !== server.pid && (parent !== server.pid || !idle.has(facts.pidInside))) return false
  }
  return true
}

/** Undefined once it has ended. */
async function listProcesses(host: DockerHost, id: string): Promise<Process[] | undefined> {
  const top = await host.docker
    .getContainer(id)
    .top({ ps_args: '-eo pid,ppid,stat' })
    .catch((error: unknown) => {
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
    })
  return top && processesIn(top)
}

/** @param top Docker's answer. It has no list at all where the last process ended while Docker looked. */
export function processesIn(top: { Processes: string[][] | null }): Process[] {
  return (top.Processes ?? []).map(([pid, parent, state = '']) => ({
    pid: Number(pid),
    parent: Number(parent),
    state,
  }))
}

/** Undefined where this host's /proc does not tell (any more). */
async function readFacts(pid: number): Promise<{ pidInside: number; threads: number } | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const numbers = /^NSpid:\t(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? []
  const threads = Number(/^Threads:\s+(\d+)$/m.exec(status)?.[1])
  return numbers.length > 1 ? { pidInside: Number(numbers.at(-1)), threads } : undefined
}

async function kill(host: DockerHost, id: string): Promise<void> {
  try {
    await ifExists(host.docker.getContainer(id).kill({ signal: 'SIGKILL' }))
  } catch (error) {
    // It has ended by itself meanwhile.
    if (statusOf(error) !== 409) throw error
  }
}
