import { scrypt } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, string, number, object, Buffer>(scrypt)

/**
 * Names one finding for ever: the same rule, value and path. It goes into fairway.yaml, logs and evidence, so it is made
 * slowly: whoever guesses a password pays for each guess.
 */
export async function fingerprintOf(rule: string, path: string, value: string): Promise<string> {
  const salt = `fairway secret finding\0${rule}\0${path}`
  return (await derive(value, salt, 16, { N: 4096, r: 8, p: 1 })).toString('hex')
}

export const fingerprintPattern = /^[0-9a-f]{32}$/
