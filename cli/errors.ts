import type { ConnectError } from '@connectrpc/connect'
import { type ExitCode, exitCodes } from './exit-codes.ts'

/** A failure to tell people about: what failed and what to do next, and what to exit with. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exitCode: ExitCode
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

export const usageError = (message: string) => new CliError(exitCodes.usage, message)

/** Numbers of @connectrpc/connect's `Code`, without loading it. */
const byConnectCode: Record<number, ExitCode> = {
  1: exitCodes.interrupted, // canceled
  3: exitCodes.usage, // invalid argument
  4: exitCodes.timeout, // deadline exceeded
  5: exitCodes.notFound,
  6: exitCodes.wrongState, // already exists
  7: exitCodes.notAllowed, // permission denied
  9: exitCodes.wrongState, // failed precondition
  10: exitCodes.wrongState, // aborted
  14: exitCodes.unreachable, // unavailable
  16: exitCodes.notAllowed, // unauthenticated
}

const isConnectError = (error: unknown): error is ConnectError =>
  error instanceof Error && error.name === 'ConnectError' && 'rawMessage' in error

/** Whether it is worth asking again: the server, or its database, is away. */
export const isUnavailable = (error: unknown): boolean => isConnectError(error) && error.code === 14

/** Whether what the caller had seen is no longer so. */
export const isAborted = (error: unknown): boolean => isConnectError(error) && error.code === 10

/** The server's words are kept; a server that did not answer is named. */
export function toCliError(error: unknown, server: string): CliError {
  if (error instanceof CliError) return error
  if (!isConnectError(error)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return new CliError(exitCodes.failure, `A fault in fairway itself: ${message}`, { cause: error })
  }
  const silence = error.metadata.has('fairway-reason') ? undefined : sayNoAnswer(error, server)
  if (silence) return new CliError(exitCodes.unreachable, silence, { cause: error })
  return new CliError(byConnectCode[error.code] ?? exitCodes.failure, error.rawMessage, { cause: error })
}

const elsewhere = 'Another one: --server, FAIRWAY_SERVER, or `fairway login --server URL`.'
/** Of a proxy whose server is away. */
const away = /^HTTP 50[234]$/
/** What @connectrpc/connect makes of answers that are none of its protocol. */
const foreign = /^HTTP \d{3}$|^unsupported content type|^$/

/** Where nobody answered, or somebody else did; undefined: the server did, about the request. */
function sayNoAnswer({ rawMessage, code, cause }: ConnectError, server: string): string | undefined {
  if (away.test(rawMessage))
    return `The server behind ${server} is away (${rawMessage}): try again. ${elsewhere}`
  if (foreign.test(rawMessage)) {
    const how = rawMessage ? ` (${rawMessage})` : ''
    return `What answers at ${server} is no Fairway server, or one of before this command${how}. ${elsewhere}`
  }
  // The system's own word for a connection that failed: ECONNREFUSED, EPROTO, CERT_HAS_EXPIRED.
  const isSystemError = typeof (cause as { code?: unknown } | undefined)?.code === 'string'
  if (!isSystemError && code !== 14 && code !== 2) return undefined
  const why = rawMessage.replace(/\s+/g, ' ').trim()
  return `The server ${server} cannot be reached (${why}). Is it running, and http or https as its address says? ${elsewhere}`
}

/** What was asked for is not there, or not to be seen. */
export const isNotFound = (error: unknown): boolean => isConnectError(error) && error.code === 5
