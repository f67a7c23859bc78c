import { makePrivateDirectory } from '../lib/files/make-private-directory.ts'
import type { AgentConfig } from './config.ts'
import { enroll } from './link/enroll.ts'
import { createIdentityStore, type Identity } from './link/identity.ts'

/** Joins this host, asking one server after the other, and keeps what it was given. */
export async function join(
  config: AgentConfig,
  { token, servers, hostName }: { token: string; servers: readonly string[]; hostName: string },
): Promise<Identity> {
  const identities = createIdentityStore(config.directory)
  const known = identities.read()
  if (known) {
    throw new Error(
      `This host has joined already, as ${known.hostName} (${known.hostId}). ` +
        `To join anew remove ${config.directory}/identity.json first.`,
    )
  }
  makePrivateDirectory(config.directory)
  const failures: unknown[] = []
  for (const server of servers) {
    try {
      const identity = await enroll({ joinToken: token, server, hostName })
      identities.write(identity)
      return identity
    } catch (error) {
      failures.push(error)
      // Answered, and refused: the next server would say the same.
      if (!isUnreachable(error)) break
    }
  }
  const last = failures.at(-1)
  throw new Error(`Not joined: ${reasonOf(last)}`, { cause: last })
}

const isUnreachable = (error: unknown) =>
  (error as { code?: unknown }).code === 14 || typeof (error as { syscall?: unknown }).syscall === 'string'

/** What the server said, without gRPC's number and name of the kind of fault. */
function reasonOf(error: unknown): string {
  const { details } = error as { details?: unknown }
  if (typeof details === 'string' && details !== '') return details
  return error instanceof Error ? error.message : String(error)
}
