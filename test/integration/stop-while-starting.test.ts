import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { query, requireEnv } from '../support/postgres.ts'

// An administrator, or systemd, changes their mind while the server is starting.

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
const cluster = requireEnv('FAIRWAY_TEST_DATABASE_URL')
const name = `stop_${process.pid}`
let directory: string
beforeAll(async () => {
  await query(cluster, `create database ${name}`)
  directory = await mkdtemp(join(tmpdir(), 'fairway-stop-'))
})
afterAll(async () => {
  await query(cluster, `drop database if exists ${name} with (force)`)
  await rm(directory, { recursive: true, force: true })
})

test('a server that is told to stop while it opens its database ends, and serves nobody', async () => {
  const real = new URL(cluster)
  const onFirst: (() => void)[] = []
  // Between the server and PostgreSQL: at its first connection, it is told to stop before it is answered.
  const between = createServer((socket) => {
    onFirst.pop()?.()
    const onward = connect({ host: real.hostname, port: Number(real.port) })
    socket.pipe(onward).pipe(socket)
    for (const end of [socket, onward])
      end.on('error', () => {
        socket.destroy()
        onward.destroy()
      })
  })
  between.listen(0, '127.0.0.1')
  await once(between, 'listening')
  const url = new URL(cluster)
  url.pathname = name
  url.port = String((between.address() as AddressInfo).port)
  const server = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: url.href,
      FAIRWAY_DATA_DIR: directory,
      FAIRWAY_API_PORT: '0',
      FAIRWAY_LINK_PORT: '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onFirst.push(() => server.kill('SIGTERM'))
  try {
    const [log, [code, signal]] = await Promise.all([
      text(server.stderr),
      once(server, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
    ])
    expect({ code, signal }, log).toEqual({ code: 0, signal: null })
    expect(log).toContain('stopped while it was starting')
    expect(log).not.toContain('fairway server ready')
  } finally {
    server.kill('SIGKILL')
    between.close()
  }
})
