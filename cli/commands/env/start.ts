import { EnvironmentService } from '../../../proto/gen/fairway/v1/environments_pb.js'
import { addRunOptions, followRun, type RunOptions } from '../../environment-run.ts'
import { resolveEnvironment } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb<RunOptions>({
  usage: 'start <environment...>',
  summary: 'Start a stopped environment',
  examples: [['fairway env start acme/feature/hello', 'waits until it serves']],
  configure: (command) => void addRunOptions(command),
  async run(session, words, options) {
    const client = await session.client(EnvironmentService)
    const environment = await resolveEnvironment(session, words)
    const name = `${environment.project}/${environment.environment}`
    const started = await client.startEnvironment({ environment }, { signal: session.signal })
    return await followRun(session, started, options, {
      doing: `Starting ${name}`,
      done: `${name} is running`,
    })
  },
})
