import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import type { Settings } from './settings.ts'

export interface Credentials {
  readonly server: string
  readonly token: string
  /** Made by `fairway login`, and so to be ended by `fairway logout`; a token that was given stays valid. */
  readonly session?: boolean
}

export const defaultServer = 'http://127.0.0.1:7080'

// This file is at another depth once it is bundled.
const checkout = dirname(findPackageJSON('.', import.meta.url) ?? import.meta.filename)

/** Where the demo of this checkout leaves its own; used where nothing else is given. */
const checkoutFile = join(checkout, '.fairway/credentials.json')

export interface Given {
  readonly server?: string
  readonly token?: string
}

/**
 * Server and token, each from the first that has it: options, environment, the credentials of `fairway login`, those
 * of the checkout's demo. A file's token goes to that file's server only.
 */
export async function findCredentials(settings: Settings, given: Given): Promise<Partial<Credentials>> {
  const server = given.server ?? settings.server
  const token = given.token ?? settings.token
  if (server && token) return { server: requireServerUrl(server), token }
  for (const path of [settings.credentialsFile, checkoutFile]) {
    const kept = await readCredentials(path)
    if (!kept || (server && requireServerUrl(server) !== kept.server)) continue
    return { server: kept.server, token: token ?? kept.token }
  }
  return { server: server && requireServerUrl(server), token }
}

/** Origin of a server's address. Throws a usage error. */
export function requireServerUrl(text: string): string {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new CliError(exitCodes.usage, `${text} is not a server's address: give one like ${defaultServer}.`)
  }
  return url.origin
}

export async function readCredentials(path: string): Promise<Credentials | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined
    throw error
  }
  const kept = parseCredentials(text)
  if (!kept)
    throw new CliError(exitCodes.failure, `${path} is damaged. Run \`fairway login\` to write it anew.`)
  return kept
}

function parseCredentials(text: string): Credentials | undefined {
  try {
    const { server, token, session } = JSON.parse(text) as Partial<Credentials>
    const url = URL.parse(server ?? '')
    if (!url || typeof token !== 'string') return undefined
    return { server: url.origin, token, ...(session === true && { session }) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

export async function writeCredentials(path: string, credentials: Credentials): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const aside = `${path}.${process.pid}`
  await writeFile(aside, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 })
  await rename(aside, path)
}

export const removeCredentials = (path: string): Promise<void> => rm(path, { force: true })
