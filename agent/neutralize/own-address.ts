import { environmentUrl } from '../../lib/addresses/environment-url.ts'
import type { NeutralizeTask } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { hostname } from '../containers/route.ts'
import type { AgentServices } from '../services.ts'
import { TaskError } from '../tasks/task.ts'

/**
 * Where a copy will answer, as its visitors see it: at the first of its host names.
 *
 * @returns undefined for a copy that nobody visits.
 * @throws TaskError `bad-input` for what is no host name.
 */
export function findOwnAddress(
  { proxy }: Pick<AgentServices, 'proxy'>,
  { hostnames: [first], https }: Pick<NeutralizeTask, 'hostnames' | 'https'>,
): string | undefined {
  if (first === undefined) return undefined
  const parsed = hostname.safeParse(first.toLowerCase())
  if (!parsed.success) throw new TaskError('bad-input', `${first.slice(0, 100)}: this is no host name`)
  return environmentUrl(parsed.data, { https, port: proxy.port })
}
