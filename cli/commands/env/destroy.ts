import { EnvironmentService } from '../../../proto/gen/fairway/v1/environments_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { addRunOptions, followRun, type RunOptions } from '../../environment-run.ts'
import { resolveEnvironment } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb<RunOptions & { confirm?: string }>({
  usage: 'destroy <environment...>',
  summary: 'Remove an environment: containers, network, address and data',
  asks: 'yes',
  details: 'Production needs its name as a confirmation as well.',
  examples: [
    ['fairway env destroy acme/feature/hello', 'asks on a terminal, and waits until it is gone'],
    ['fairway env destroy acme production --confirm production --yes', 'production'],
  ],
  configure: (command) =>
    addRunOptions(
      command.option('--confirm <name>', 'the environment’s name; production is not destroyed without it'),
    ),
  async run(session, words, options) {
    const client = await session.client(EnvironmentService)
    const environment = await resolveEnvironment(session, words)
    const name = `${environment.project}/${environment.environment}`
    await requireConfirmed(session, `Destroy ${name} and its data?`, options.yes === true, {
      permission: 'environment.destroy',
      project: environment.project,
      environment: environment.environment,
    })
    const request = { environment, confirm: options.confirm }
    const started = await client.destroyEnvironment(request, { signal: session.signal })
    return await followRun(session, started, options, {
      doing: `Destroying ${name}`,
      done: `${name} is destroyed`,
    })
  },
})
