import { Code, ConnectError } from '@connectrpc/connect'
import { formatTime } from '../lib/words/times.ts'
import { EnvironmentService } from '../proto/gen/fairway/v1/environments_pb.js'
import { openBrowser } from './browser.ts'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { environmentJson } from './json/environment.ts'
import { timeOf } from './json/values.ts'
import { keptSentence } from './kept-words.ts'
import type { Session } from './session.ts'
import { signInSentence } from './sign-in-words.ts'

interface Name {
  readonly project: string
  readonly environment: string
}

/**
 * Prints where an environment answers and how one signs in, and opens it where there is a browser. Throws CliError where it
 * does not run.
 */
export async function openEnvironment(session: Session, name: Name): Promise<void> {
  const client = await session.client(EnvironmentService)
  const { environment } = await client.getEnvironment({ environment: name }, { signal: session.signal })
  const json = environment && environmentJson(environment)
  if (!json?.url || json.status !== 'running') {
    const full = `${name.project}/${name.environment}`
    const next = json?.status === 'stopped' ? `fairway env start ${full}` : `fairway env show ${full}`
    throw new CliError(exitCodes.wrongState, `${full} is ${json?.status}, not running. Next: ${next}`)
  }
  const { out, settings } = session
  // Servers of before say who, and keep every password.
  const isKept = json.signIn === 'kept' || (json.signIn === null && json.administratorLogin !== null)
  const signIn = isKept ? await readSignIn(session, name) : undefined
  const until = timeOf(signIn?.until)
  if (out.json) {
    const { login, password } = signIn ?? {}
    const { url, expiresAt } = json
    out.printJson({
      url,
      ...(signIn && { login, password }),
      ...(until && { until }),
      ...(expiresAt && { environment: json.name, expiresAt }),
    })
  } else {
    out.line(json.url)
    if (signIn) out.line(`Sign in as ${signIn.login} with ${signIn.password}`)
    else if (signInSentence(json)) out.line(`Sign in ${signInSentence(json)}`)
    if (until)
      out.note(
        `This password was made for production and is shown once: keep it now. You can see it again until ${formatTime(until)}, nobody else can.`,
      )
    if (keptSentence(json)) out.note(`It is ${keptSentence(json)}.`)
  }
  if (out.isTerminal && !out.json) await openBrowser(settings, json.url)
}

/** Who may not have the password, or comes too late for it, still gets the address. */
async function readSignIn(session: Session, environment: Name) {
  const client = await session.client(EnvironmentService)
  try {
    return await client.revealSignIn({ environment }, { signal: session.signal })
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    if (error.code === Code.PermissionDenied) return undefined
    // Somebody else was shown it a moment ago.
    if (error.code === Code.FailedPrecondition) {
      session.out.note(error.rawMessage)
      return undefined
    }
    throw error
  }
}
