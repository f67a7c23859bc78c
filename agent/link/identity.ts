import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../write-whole.ts'

/** Who this host is to the control plane. All in PEM; the key never leaves the host. */
export interface Identity {
  readonly hostId: string
  readonly hostName: string
  readonly key: string
  readonly certificate: string
  /** The only root this agent trusts. */
  readonly authority: string
  /** Every server to dial, host:port. */
  readonly servers: readonly string[]
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

const stored = z.object({
  hostId: z.string(),
  hostName: z.string(),
  key: z.string(),
  certificate: z.string(),
  authority: z.string(),
  servers: z.array(z.string()).min(1),
  notBeforeMs: z.number(),
  notAfterMs: z.number(),
})

export interface IdentityStore {
  /** Undefined before `fairway-agent join`. */
  read(): Identity | undefined
  /** All or nothing. */
  write(identity: Identity): void
}

/** One file with mode 0600, so that key and certificate always belong together. */
export function createIdentityStore(directory: string): IdentityStore {
  const path = join(directory, 'identity.json')
  return {
    read() {
      try {
        return stored.parse(JSON.parse(readFileSync(path, 'utf8')))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw new Error(`${path} is damaged; remove it and join this host again with a new token`, {
          cause: error,
        })
      }
    },
    write: (identity) => writeWhole(path, `${JSON.stringify(identity, null, 2)}\n`),
  }
}
