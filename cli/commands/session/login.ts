import { hostname } from 'node:os'
import type { Client } from '@connectrpc/connect'
import { IdentityService, type Session as LoginSession } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { connect } from '../../client.ts'
import { CliError, usageError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { noticeJson } from '../../json/login-notice.ts'
import { timeOf } from '../../json/values.ts'
import { loginAtProvider } from '../../login/device-login.ts'
import { askWorkflowToken } from '../../login/workflow-token.ts'
import { printNotices } from '../../login-notices.ts'
import { keepLogin } from '../../logins.ts'
import { typedLine } from '../../question.ts'
import type { Session } from '../../session.ts'
import { readStdin } from '../../stdin.ts'
import { verb } from '../../verb.ts'

interface Options {
  token?: string
  code?: string
  oidc?: boolean
  workflow?: string
}

type Identity = Client<typeof IdentityService>

export const command = verb<Options>({
  usage: 'login',
  summary: 'Log in to a server, and keep its address and a token for the commands to come',
  details:
    'With a one-time code (the server’s first, or an invitation), at the server’s OpenID provider, as a GitHub Actions ' +
    'workflow, or with a token that you have. `-` reads code or token from standard input.\n' +
    'Without any option: at the OpenID provider where the server has one, else a code or token is asked for.\n' +
    'Logins are kept for each server; commands go to that of the last login, or to what --server or FAIRWAY_SERVER says.',
  examples: [
    ['fairway login --server https://fairway.example', 'at the server’s OpenID provider'],
    [
      'fairway login --server http://127.0.0.1:7080 --code - < /var/lib/fairway/server/admin-code',
      'the first login, on the server’s own machine',
    ],
    ['fairway login --server https://fairway.example --workflow acme', 'in a GitHub Actions job'],
    ['echo "$TOKEN" | fairway login --server https://fairway.example --token -', 'with a service token'],
  ],
  configure: (command) =>
    command
      .option('--code <code>', 'a one-time code (fc_…)')
      .option('--oidc', 'at the server’s OpenID provider, with a code to confirm in a browser')
      .option('--workflow <project>', 'as the GitHub Actions workflow that runs this, for that project'),
  async run(session, _, options) {
    const { server, settings, out } = session
    const given = (['token', 'code', 'oidc', 'workflow'] as const).filter((way) => options[way] !== undefined)
    if (given.length > 1) throw usageError(`Give one of ${given.map((way) => `--${way}`).join(', ')}.`)
    const identity = connect({ server }, settings)(IdentityService)
    const { token, organization, member, role, expiresAt, ...answer } = await logIn(
      session,
      identity,
      options,
    )
    await keepLogin(settings.credentialsFile, server, { token, session: options.token === undefined })
    const notices = answer.notices.map(noticeJson)
    if (out.json) out.printJson({ server, organization, member, role, expiresAt: timeOf(expiresAt), notices })
    else {
      out.line(`Logged in to ${server} as ${member} (${role}) of ${organization}.`)
      printNotices(out, notices)
    }
    return undefined
  },
})

type LoggedIn = Omit<LoginSession, '$typeName' | '$unknown'>

async function logIn(session: Session, identity: Identity, options: Options): Promise<LoggedIn> {
  const { signal, settings } = session
  if (options.token !== undefined) return await checkToken(session, await textOf(options.token))
  if (options.code !== undefined) return await useCode(session, identity, await textOf(options.code))
  const offered = await identity.getLoginOptions({}, { signal })
  if (options.workflow !== undefined) {
    const token = await askWorkflowToken(settings, offered.workflowAudience, signal)
    return made(await identity.exchangeWorkflowToken({ token, project: options.workflow }, { signal }))
  }
  if (offered.oidcIssuer) {
    const provider = { issuer: offered.oidcIssuer, clientId: offered.oidcClientId }
    const idToken = await loginAtProvider(session, provider)
    return made(await identity.loginWithIdToken({ idToken, name: hostname() }, { signal }))
  }
  if (options.oidc) {
    throw new CliError(exitCodes.wrongState, 'This server has no OpenID provider. Use --code or --token.')
  }
  const text = await ask(signal)
  return text.startsWith('fc_') ? await useCode(session, identity, text) : await checkToken(session, text)
}

async function useCode({ signal }: Session, identity: Identity, code: string): Promise<LoggedIn> {
  if (!/^fc_[\w-]+$/.test(code)) throw usageError('A one-time code looks like fc_…; an owner makes them.')
  return made(await identity.loginWithCode({ code, name: hostname() }, { signal }))
}

async function checkToken({ server, settings, signal }: Session, token: string): Promise<LoggedIn> {
  if (!/^ft_[\w-]+$/.test(token))
    throw usageError('A token looks like ft_…: `fairway token create` makes one.')
  return { token, ...(await connect({ server, token }, settings)(IdentityService).whoAmI({}, { signal })) }
}

function made({ session }: { session?: LoginSession }): LoggedIn {
  if (session) return session
  throw new CliError(
    exitCodes.failure,
    'The server answered without a session: is it older than this command?',
  )
}

const textOf = async (given: string): Promise<string> => (given === '-' ? await readStdin() : given).trim()

async function ask(signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) {
    throw usageError(
      'Give a one-time code with --code or a token with --token; `-` reads it from standard input.',
    )
  }
  return (await typedLine('One-time code (fc_…) or token (ft_…): ', signal)).trim()
}
