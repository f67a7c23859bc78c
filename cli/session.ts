import type { DescService } from '@bufbuild/protobuf'
import type { Client } from '@connectrpc/connect'
import { type Credentials, type Found, findCredentials, type Given } from './credentials.ts'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { createOutput, type Output } from './output.ts'
import type { Settings } from './settings.ts'

/** What a command is given: where to write, whom to ask, when to give up. */
export interface Session {
  readonly settings: Settings
  readonly out: Output
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** The server spoken to, for messages. */
  readonly server: string
  /** What said so, and whose token it is. */
  readonly found: Found
  /** Throws `not logged in` where there is no token. */
  client<S extends DescService>(service: S): Promise<Client<S>>
}

export async function createSession(
  settings: Settings,
  given: Given & { json?: boolean; wide?: boolean },
  signal: AbortSignal,
): Promise<Session> {
  const found = await findCredentials(settings, given)
  const { server } = found
  let clients: Promise<<S extends DescService>(service: S) => Client<S>> | undefined
  return {
    settings,
    signal,
    server,
    found,
    out: createOutput(settings, given.json === true, given.wide),
    async client(service) {
      if (!found.token) throw notLoggedIn(found)
      const credentials: Credentials = { server, token: found.token }
      clients ??= import('./client.ts').then(({ connect }) => connect(credentials, settings))
      return (await clients)(service)
    },
  }
}

function notLoggedIn({ server, serverFrom, others }: Found): CliError {
  const elsewhere =
    others.length > 0 ? ` You are logged in to ${others.join(', ')}: --server says which.` : ''
  return new CliError(
    exitCodes.notAllowed,
    `You are not logged in to ${server} (${serverFrom}). Run \`fairway login --server ${server}\`, or set FAIRWAY_TOKEN.${elsewhere}`,
  )
}
