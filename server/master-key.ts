import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { makePrivateDirectory } from '../lib/files/make-private-directory.ts'

/** Where the key that everything is sealed with comes from; at most one of the three is set. */
export interface MasterKeySource {
  /** Base64. */
  readonly masterKey?: string
  /** Prints it on its standard output: a hook for a key management service. */
  readonly masterKeyCommand?: string
  readonly masterKeyFile: string
}

const keyBytes = 32
const commandMs = 30_000
const maxOutputBytes = 64 * 1024
/** The end of what a failed command said. */
const shownOfErrors = 2_000

/** The 32 bytes. Throws an error that says what is wrong, and never what was read. */
export function readMasterKey(source: MasterKeySource): Buffer {
  if (source.masterKey) return decode(source.masterKey, 'FAIRWAY_MASTER_KEY')
  if (source.masterKeyCommand) {
    return decode(runCommand(source.masterKeyCommand), 'What FAIRWAY_MASTER_KEY_COMMAND prints')
  }
  return decode(readOrMakeFile(source.masterKeyFile), `The master key in ${source.masterKeyFile}`)
}

function decode(text: string, what: string): Buffer {
  const trimmed = text.trim()
  const key = Buffer.from(trimmed, 'base64')
  if (key.length === keyBytes && /^[A-Za-z0-9+/]{43}=?$/.test(trimmed)) return key
  throw new Error(
    `${what} is no master key: ${keyBytes} bytes in base64 are expected, as \`openssl rand -base64 ${keyBytes}\` makes them`,
  )
}

/**
 * Once, at the start, through `/bin/sh -c`, as people write such hooks (`aws kms decrypt … | …`). What it prints on
 * standard error is shown when it fails; what it prints on standard output never is.
 */
function runCommand(command: string): string {
  const ended = spawnSync('/bin/sh', ['-c', command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: commandMs,
    killSignal: 'SIGKILL',
    maxBuffer: maxOutputBytes,
    encoding: 'utf8',
  })
  if (ended.status === 0) return ended.stdout
  const { code } = (ended.error ?? {}) as NodeJS.ErrnoException
  const how =
    code === 'ETIMEDOUT'
      ? `did not end within ${commandMs / 1_000} s`
      : code
        ? `failed (${code})`
        : `ended with ${ended.signal ?? `exit code ${ended.status}`}`
  const said = ended.stderr?.trim().slice(-shownOfErrors)
  throw new Error(`FAIRWAY_MASTER_KEY_COMMAND ${how}${said ? `:\n${said}` : ' and said nothing'}`)
}

/** A new file (0600) is made where there is none. */
function readOrMakeFile(path: string): string {
  try {
    return readPrivately(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  makePrivateDirectory(dirname(path))
  const text = `${randomBytes(keyBytes).toString('base64')}\n`
  const file = openSync(path, 'wx', 0o600)
  writeSync(file, text)
  fsyncSync(file)
  closeSync(file)
  return text
}

function readPrivately(path: string): string {
  const file = openSync(path, 'r')
  try {
    const mode = fstatSync(file).mode & 0o777
    if (mode & 0o077) {
      throw new Error(
        `The master key in ${path} can be read by others (mode ${mode.toString(8)}): chmod 600 ${path}`,
      )
    }
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
