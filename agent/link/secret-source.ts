import { create } from '@bufbuild/protobuf'
import { type ServiceError, status } from '@grpc/grpc-js'
import { SecretsRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { Logger } from '../logger.ts'
import { type Owner, type Secrets, TaskError } from '../tasks/task.ts'
import { fullJitter } from './backoff.ts'
import type { Connection } from './connection.ts'
import type { Ref } from './journal.ts'
import { pause } from './pause.ts'
import { secretsMethod } from './protocol.ts'
import type { Redactors } from './redactors.ts'
import { callUnary } from './unary.ts'
import { isUsername } from './unmasked-secrets.ts'

export interface SecretTask extends Ref {
  readonly owner: Owner
}

/** Where tasks get the values of their secrets: from whichever server is connected, each time anew, kept nowhere. */
export interface SecretSource {
  /**
   * The values of just those names, all but usernames known to the owner's redactor before they are given out, and for as
   * long as this process lives: what they were given to goes on printing. Rejects with the signal's reason, or TaskError `secrets-refused`.
   */
  of(task: SecretTask, refs: readonly { readonly name: string }[], signal: AbortSignal): Promise<Secrets>
  connected(connection: Connection): void
  closed(connection: Connection): void
}

const deadlineMs = 10_000
const backoff = { baseMs: 250, capMs: 4_000 }
/** Asking again would be answered in the same way; everything else may pass, or ends with the task. */
const final = new Set([
  status.FAILED_PRECONDITION,
  status.NOT_FOUND,
  status.INVALID_ARGUMENT,
  status.PERMISSION_DENIED,
  status.UNIMPLEMENTED,
])

export function createSecretSource(redactors: Pick<Redactors, 'add'>, log: Logger): SecretSource {
  const connections = new Set<Connection>()
  let arrival = Promise.withResolvers<void>()

  const ask = async (connection: Connection, { taskId, epoch }: Ref, signal: AbortSignal) => {
    const request = create(SecretsRequestSchema, { task: { taskId, epoch } })
    return (await callUnary(connection.client, secretsMethod, request, { deadlineMs, signal })).values
  }
  return {
    async of(task, refs, signal) {
      for (let attempt = 0; ; attempt++) {
        const connection = await firstConnection(signal)
        try {
          const answered = await ask(connection, task, signal)
          for (const [name, value] of Object.entries(answered)) {
            if (!isUsername(name)) redactors.add(ownerOf(name, task.owner), value)
          }
          return pick(answered, refs)
        } catch (error) {
          signal.throwIfAborted()
          if (error instanceof TaskError) throw error
          const { code, details } = error as ServiceError
          if (final.has(code)) {
            throw new TaskError('secrets-refused', details || 'The server refused the secrets of this task')
          }
          log.info({ task: task.taskId, code: status[code] }, 'the secrets of a task are asked for again')
        }
        await pause(fullJitter(attempt, backoff), signal)
        signal.throwIfAborted()
      }
    },
    connected(connection) {
      connections.add(connection)
      arrival.resolve()
    },
    closed(connection) {
      connections.delete(connection)
      if (connections.size === 0) arrival = Promise.withResolvers<void>()
    },
  }

  async function firstConnection(signal: AbortSignal): Promise<Connection> {
    for (;;) {
      signal.throwIfAborted()
      const [connection] = connections
      if (connection) return connection
      const gone = Promise.withResolvers<void>()
      const stop = () => gone.resolve()
      signal.addEventListener('abort', stop, { once: true })
      await Promise.race([arrival.promise, gone.promise])
      signal.removeEventListener('abort', stop)
    }
  }
}

/** Credentials are for the builds of all environments of their project. */
const ownerOf = (name: string, owner: Owner): Owner =>
  name.includes(':') && owner.projectId ? { ...owner, environmentId: '' } : owner

function pick(values: Secrets, refs: readonly { readonly name: string }[]): Secrets {
  return Object.fromEntries(
    refs.map(({ name }) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      if (value === undefined) {
        throw new TaskError('secrets-refused', `The server did not give the secret ${name} for this task`)
      }
      return [name, value]
    }),
  )
}
