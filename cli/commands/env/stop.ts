import { EnvironmentService } from '../../../proto/gen/fairway/v1/environments_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { addRunOptions, followRun, type RunOptions } from '../../environment-run.ts'
import { resolveEnvironment } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb<RunOptions>({
  usage: 'stop <environment...>',
  summary: 'Stop an environment’s Odoo and PostgreSQL; the data stays',
  asks: 'yes',
  examples: [
    ['fairway env stop acme/feature/hello', 'asks on a terminal, and waits until it is stopped'],
    ['fairway env stop acme production --yes --no-wait', 'asks nothing and returns at once'],
  ],
  configure: (command) => void addRunOptions(command),
  async run(session, words, options) {
    const client = await session.client(EnvironmentService)
    const environment = await resolveEnvironment(session, words)
    const name = `${environment.project}/${environment.environment}`
    await requireConfirmed(session, `Stop ${name}?`, options.yes === true, {
      permission: 'environment.stop',
      project: environment.project,
      environment: environment.environment,
    })
    const started = await client.stopEnvironment({ environment }, { signal: session.signal })
    return await followRun(session, started, options, {
      doing: `Stopping ${name}`,
      done: `${name} is stopped`,
    })
  },
})
