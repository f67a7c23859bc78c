import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findCredentials, removeCredentials, requireServerUrl, writeCredentials } from './credentials.ts'
import { readSettings } from './settings.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fairway-cli-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const settings = (env: Record<string, string> = {}) => readSettings({ XDG_CONFIG_HOME: home, ...env }, false)

test('options go before the environment, and that before the file', async () => {
  await writeCredentials(settings().credentialsFile, { server: 'http://kept:1', token: 'ft_kept' })
  expect(await findCredentials(settings(), {})).toEqual({ server: 'http://kept:1', token: 'ft_kept' })
  const env = { FAIRWAY_SERVER: 'http://env:1/', FAIRWAY_TOKEN: 'ft_env' }
  expect(await findCredentials(settings(env), {})).toEqual({ server: 'http://env:1', token: 'ft_env' })
  expect(await findCredentials(settings(env), { server: 'http://given:1' })).toEqual({
    server: 'http://given:1',
    token: 'ft_env',
  })
})

test('a kept token never goes to another server', async () => {
  await writeCredentials(settings().credentialsFile, { server: 'http://kept:1', token: 'ft_kept' })
  expect((await findCredentials(settings(), { server: 'http://other:1' })).token).not.toBe('ft_kept')
})

test('the file is for its owner only, and logout removes it', async () => {
  const path = settings().credentialsFile
  await writeCredentials(path, { server: 'http://kept:1', token: 'ft_kept' })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await removeCredentials(path)
  await removeCredentials(path)
  expect((await findCredentials(settings(), {})).token).not.toBe('ft_kept')
})

test('a damaged file is named', async () => {
  const path = settings().credentialsFile
  await writeCredentials(path, { server: 'http://kept:1', token: 'ft_kept' })
  await writeFile(path, '{"server":')
  await expect(findCredentials(settings(), {})).rejects.toThrow(path)
})

test('a server is an http address', () => {
  expect(requireServerUrl('https://fairway.example/')).toBe('https://fairway.example')
  expect(() => requireServerUrl('fairway.example')).toThrow('not a server')
  expect(() => requireServerUrl('ftp://fairway.example')).toThrow('not a server')
})

test('colour is for terminals, unless NO_COLOR is set', () => {
  expect(readSettings({}, true).colour).toBe(true)
  expect(readSettings({ NO_COLOR: '1' }, true).colour).toBe(false)
  expect(readSettings({ TERM: 'dumb' }, true).colour).toBe(false)
  expect(readSettings({}, false).colour).toBe(false)
})
