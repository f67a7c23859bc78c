import { openEnvironment } from '../../open-environment.ts'
import { resolveEnvironment } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'open <environment...>',
  summary: 'Print an environment’s address and how to sign in, and open it where there is a browser',
  examples: [
    ['fairway env open acme/feature/hello', '$BROWSER or xdg-open, on a terminal only'],
    ['fairway env open acme/failed-41', 'the preview of build 41, whose tests failed, where the policy keeps it'],
  ],
  async run(session, words) {
    await openEnvironment(session, await resolveEnvironment(session, words))
    return undefined
  },
})
