import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { z } from 'zod'
import { parseJson } from '../cached-json.ts'
import type { DockerHost } from './docker.ts'
import type { ContainerEnd } from './follow.ts'

/** What Docker says of a container that SIGKILL or SIGTERM ended, and of one that was gone when Docker came back. */
const codesOfAnEnd: readonly number[] = [137, 143, 255]

/**
 * Whether somebody stopped or killed a container, or its host or Docker went down under it: what it was at says nothing then.
 * The exit code alone does not tell, as a process may end with any. Docker keeps its last 256 events until it is started
 * anew: a `kill` is there where it was asked for one, and a `die` where it saw the end. Where it saw none, the code has to do.
 */
export async function wasEndedFromOutside(
  host: DockerHost,
  { Id, State }: Pick<Docker.ContainerInspectInfo, 'Id' | 'State'>,
  { exitCode, outOfMemory }: Pick<ContainerEnd, 'exitCode' | 'outOfMemory'>,
): Promise<boolean> {
  if (exitCode === 0 || outOfMemory) return false
  const events = await listEvents(host, Id, new Date(State.StartedAt))
  return events.has('kill') || (!events.has('die') && codesOfAnEnd.includes(exitCode))
}

const eventSchema = z.object({ Action: z.string() })

async function listEvents(host: DockerHost, id: string, since: Date): Promise<Set<string>> {
  const stream = await host.docker.getEvents({
    since: seconds(since),
    // In the past: what is known by now, and not what is to come.
    until: seconds(new Date()),
    filters: { type: ['container'], container: [id], event: ['kill', 'die'] },
  })
  const text = Buffer.concat(await (stream as Readable).toArray()).toString('utf8')
  return new Set(text.split('\n').flatMap((line) => parseJson(line, eventSchema)?.Action ?? []))
}

const seconds = (time: Date) => time.getTime() / 1000
