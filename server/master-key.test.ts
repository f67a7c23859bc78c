import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConfig } from './config.ts'
import { readMasterKey } from './master-key.ts'

const key = Buffer.alloc(32, 7)
const text = key.toString('base64')
let directory: string
let masterKeyFile: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fairway-key-'))
  masterKeyFile = join(directory, 'sub', 'master.key')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const command = (masterKeyCommand: string) => () => readMasterKey({ masterKeyCommand, masterKeyFile })

describe('the master key', () => {
  test('is made once, for its owner alone, where nothing says it', () => {
    const made = readMasterKey({ masterKeyFile })
    expect(made).toHaveLength(32)
    expect(statSync(masterKeyFile).mode & 0o777).toBe(0o600)
    expect(readMasterKey({ masterKeyFile })).toEqual(made)
  })

  test.each([0o640, 0o604, 0o660])('is refused from a file of mode %o', (mode) => {
    chmodSync(masterKeyFile, mode)
    expect(() => readMasterKey({ masterKeyFile })).toThrow(/can be read by others.*chmod 600/)
    chmodSync(masterKeyFile, 0o400)
    expect(readMasterKey({ masterKeyFile })).toHaveLength(32)
  })

  test('is what a command prints', () => {
    expect(command(`printf '%s' '${text}' | tr -d ' '`)()).toEqual(key)
  })

  test('is never shown by a command that fails, whose reasons are', () => {
    const failing = command(`echo '${text}'; echo 'access denied to key/42' >&2; exit 3`)
    expect(failing).toThrow(/exit code 3:\naccess denied to key\/42/)
    expect(failing).not.toThrow(text)
    expect(command(`echo 'not-base64-${text}'`)).toThrow(
      /^What FAIRWAY_MASTER_KEY_COMMAND prints is no master key/,
    )
    expect(command('exec /no/such/program')).toThrow(/FAIRWAY_MASTER_KEY_COMMAND ended with exit code 127/)
  })

  test.each([
    ['nothing', ''],
    ['31 bytes', Buffer.alloc(31).toString('base64')],
    ['33 bytes', Buffer.alloc(33).toString('base64')],
    ['text', 'correct horse battery staple correct horse'],
  ])('is not taken from %s', (_, wrong) => {
    const path = join(directory, 'wrong.key')
    writeFileSync(path, wrong, { mode: 0o600 })
    expect(() => readMasterKey({ masterKeyFile: path })).toThrow(/is no master key/)
    expect(readFileSync(path, 'utf8')).toBe(wrong)
  })

  test('comes from one place', () => {
    const environment = { FAIRWAY_MASTER_KEY: text, FAIRWAY_MASTER_KEY_COMMAND: 'cat /key' }
    expect(() => parseConfig(environment)).toThrow(/FAIRWAY_MASTER_KEY_COMMAND: .*only one/)
    const two = { FAIRWAY_MASTER_KEY_FILE: '/key', FAIRWAY_MASTER_KEY_COMMAND: 'cat /key' }
    expect(() => parseConfig(two)).toThrow(/only one/)
    expect(parseConfig({ FAIRWAY_MASTER_KEY_COMMAND: 'cat /key' })).toMatchObject({
      masterKeyCommand: 'cat /key',
    })
  })
})
