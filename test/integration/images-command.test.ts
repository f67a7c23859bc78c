import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type CommandError, run } from '../../packaging/dev/command.ts'

// What `fairway-server images` says where it cannot go on, by the real Docker. That it builds and pushes:
// install-page.test.ts.

const program = fileURLToPath(new URL('../../packaging/bin/fairway-server', import.meta.url))

const refused = (words: string[], env: Record<string, string> = {}) =>
  run(program, ['images', ...words], { env }).then(
    (said) => expect.unreachable(`it went on: ${said}`),
    (error: CommandError) => error,
  )

test.each([
  [['build'], /Which registry\?/],
  [['push', '--registry', 'https://registry.example'], /without http/],
  [['pull', '--registry', 'registry.example'], /do not understand/],
  [['push', '--registry', 'registry.example', '--nope'], /--nope/],
])('wrong use: %j', async (words, said) => {
  const error = await refused(words)
  expect(error.exitCode).toBe(2)
  expect(error.message).toMatch(said)
})

test('no Docker, and one that does not run', async () => {
  const push = ['push', '--registry', 'registry.example']
  const bare = await mkdtemp(join(tmpdir(), 'fairway-bare-'))
  try {
    for (const name of ['dirname', 'readlink']) await symlink(`/usr/bin/${name}`, join(bare, name))
    expect((await refused(push, { PATH: bare })).message).toMatch(/There is no Docker on this machine/)
  } finally {
    await rm(bare, { recursive: true })
  }
  const stopped = await refused(push, { DOCKER_HOST: 'unix:///nonexistent.sock' })
  expect(stopped.message).toMatch(/Docker does not run on this machine/)
})

test('nothing built, and a registry that is not reached or not trusted', async () => {
  expect((await refused(['push', '--registry', '127.0.0.1:9/none'])).message).toMatch(
    /not built yet: run `fairway-server images build`/,
  )
  const tag = (registry: string) =>
    run('docker', ['tag', '127.0.0.1:5000/fairway/odoo:19.0', `${registry}/fairway/odoo:19.0`])
  const registries: string[] = []
  const server = createServer((_, answer) => answer.writeHead(200).end()).listen(0, '0.0.0.0')
  await once(server, 'listening')
  try {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)
    const plain = `${own?.address}:${(server.address() as AddressInfo).port}`
    registries.push('127.0.0.1:9/away', `${plain}/plain`)
    for (const registry of registries) await tag(registry)
    expect((await refused(['push', '--registry', '127.0.0.1:9/away'])).message).toMatch(/cannot be reached/)
    expect((await refused(['push', '--registry', `${plain}/plain`])).message).toContain(
      `"insecure-registries": ["${plain}"]`,
    )
  } finally {
    server.close()
    await run('docker', ['image', 'rm', ...registries.map((registry) => `${registry}/fairway/odoo:19.0`)])
  }
}, 60_000)

test('a mirror that is not reached, or that a proxy wants a login for, is no fault of the registry', async () => {
  const homes = await mkdtemp(join(tmpdir(), 'fairway-images-'))
  const proxy = createServer((_, answer) => answer.writeHead(401).end()).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const build = async (port: number) => {
    const way = `http://name:hidden@127.0.0.1:${port}`
    const env = { FAIRWAY_HOME: join(homes, String(port)), http_proxy: way, https_proxy: way, no_proxy: '' }
    const error = await refused(['build', '--force', '--registry', 'registry.example'], env)
    return error.message
  }
  try {
    const [away, closed] = await Promise.all([build(9), build((proxy.address() as AddressInfo).port)])
    expect(away).toMatch(/Debian’s mirror was not reached/)
    expect(away).not.toMatch(/registry\.example cannot|docker login|hidden/)
    expect(closed).toMatch(/lets nobody in without a login/)
    expect(closed).not.toMatch(/docker login|hidden/)
  } finally {
    proxy.close()
    await rm(homes, { recursive: true })
  }
}, 120_000)
