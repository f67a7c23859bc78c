import { Code, ConnectError } from '@connectrpc/connect'
import { EnvironmentService } from '../../../proto/gen/fairway/v1/environments_pb.js'
import { openBrowser } from '../../browser.ts'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { environmentJson } from '../../json/environment.ts'
import { resolveEnvironment } from '../../resolve.ts'
import type { Session } from '../../session.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'open <environment...>',
  summary: 'Print an environment’s address and how to sign in, and open it where there is a browser',
  examples: [['fairway env open acme/feature/hello', '$BROWSER or xdg-open, on a terminal only']],
  async run(session, words) {
    const client = await session.client(EnvironmentService)
    const name = await resolveEnvironment(session, words)
    const { environment } = await client.getEnvironment({ environment: name }, { signal: session.signal })
    const json = environment && environmentJson(environment)
    if (!json?.url || json.status !== 'running') {
      const full = `${name.project}/${name.environment}`
      const next = json?.status === 'stopped' ? `fairway env start ${full}` : `fairway env show ${full}`
      throw new CliError(exitCodes.wrongState, `${full} is ${json?.status}, not running. Next: ${next}`)
    }
    const { out, settings } = session
    const signIn = json.administratorLogin ? await readSignIn(session, name) : undefined
    if (out.json)
      out.printJson({ url: json.url, ...(signIn && { login: signIn.login, password: signIn.password }) })
    else {
      out.line(json.url)
      if (signIn) out.line(`Sign in as ${signIn.login} with ${signIn.password}`)
    }
    if (out.isTerminal && !out.json) await openBrowser(settings, json.url)
    return undefined
  },
})

/** Who may not have the password still gets the address. */
async function readSignIn(session: Session, environment: { project: string; environment: string }) {
  const client = await session.client(EnvironmentService)
  try {
    return await client.revealSignIn({ environment }, { signal: session.signal })
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.PermissionDenied) return undefined
    throw error
  }
}
