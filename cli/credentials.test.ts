import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findCredentials, requireServerUrl } from './credentials.ts'
import { forgetLogin, keepLogin } from './logins.ts'
import { readSettings } from './settings.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fairway-cli-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const settings = (env: Record<string, string> = {}) => readSettings({ XDG_CONFIG_HOME: home, ...env }, false)

const file = () => settings().credentialsFile

test('options go before the environment, and that before the last login', async () => {
  await keepLogin(file(), 'http://kept:1', { token: 'ft_kept' })
  expect(await findCredentials(settings(), {})).toEqual({
    server: 'http://kept:1',
    serverFrom: 'the last login',
    token: 'ft_kept',
    tokenFrom: 'fairway login',
    others: [],
  })
  const env = { FAIRWAY_SERVER: 'http://env:1/', FAIRWAY_TOKEN: 'ft_env' }
  expect(await findCredentials(settings(env), {})).toMatchObject({
    server: 'http://env:1',
    serverFrom: 'FAIRWAY_SERVER',
    token: 'ft_env',
    tokenFrom: 'FAIRWAY_TOKEN',
  })
  expect(await findCredentials(settings(env), { server: 'http://given:1' })).toMatchObject({
    server: 'http://given:1',
    serverFrom: '--server',
    token: 'ft_env',
  })
})

test('a kept token never goes to another server', async () => {
  await keepLogin(file(), 'http://kept:1', { token: 'ft_kept' })
  expect((await findCredentials(settings(), { server: 'http://other:1' })).token).toBeUndefined()
  await keepLogin(file(), 'http://other:1', { token: 'ft_other', session: true })
  expect(await findCredentials(settings(), {})).toMatchObject({
    token: 'ft_other',
    others: ['http://kept:1'],
  })
  expect(await findCredentials(settings(), { server: 'http://kept:1' })).toMatchObject({ token: 'ft_kept' })
})

test('who logs out of a server is not with another one', async () => {
  await keepLogin(file(), 'http://kept:1', { token: 'ft_kept' })
  await keepLogin(file(), 'http://other:1', { token: 'ft_other', session: true })
  expect(await forgetLogin(file(), 'http://other:1')).toEqual({ token: 'ft_other', session: true })
  expect(await forgetLogin(file(), 'http://other:1')).toBeUndefined()
  const found = await findCredentials(settings(), {})
  expect(found).toMatchObject({ server: 'http://other:1', others: ['http://kept:1'] })
  expect(found.token).toBeUndefined()
  expect((await stat(file())).mode & 0o777).toBe(0o600)
})

test('a file of before, and of the demo, has one server', async () => {
  await mkdir(join(home, 'fairway'))
  await writeFile(file(), '{"server":"http://kept:1","token":"ft_kept","session":true}')
  expect(await findCredentials(settings(), {})).toMatchObject({ server: 'http://kept:1', token: 'ft_kept' })
  await keepLogin(file(), 'http://other:1', { token: 'ft_other' })
  expect(await forgetLogin(file(), 'http://kept:1')).toEqual({ token: 'ft_kept', session: true })
})

test.each([
  '{"server":',
  '[]',
  'null',
  '{"server":"x","token":"ft_a"}',
  '{"current":"http://a:1","servers":{"http://a:1":{}}}',
])('a damaged file is named, and written anew: %s', async (text) => {
  await mkdir(join(home, 'fairway'))
  await writeFile(file(), text)
  await expect(findCredentials(settings(), {})).rejects.toThrow(file())
  await keepLogin(file(), 'http://kept:1', { token: 'ft_kept' })
  expect(await findCredentials(settings(), {})).toMatchObject({ token: 'ft_kept' })
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
