import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLoopbackDialer } from '../../test/support/dialers.ts'
import { type GitServer, startGitServer } from '../../test/support/git-server.ts'
import { createGit } from './command.ts'
import { createMirrors, type Mirrors } from './mirrors.ts'

// What a real git says of servers that have trouble.

let directory: string
let mirrors: Mirrors
let server: GitServer
let give: (body: string, response: ServerResponse) => boolean = () => false

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-broken-'))
  mirrors = createMirrors(
    createGit({ home: directory, protocols: ['http'] }),
    join(directory, 'mirrors'),
    ['http'],
    createLoopbackDialer(),
  )
  server = await startGitServer({
    async answer(request, response) {
      if (request.method !== 'POST') return give('', response)
      const body = await text(request)
      return give(body, response) || Promise.reject(new Error('nothing else is asked for'))
    },
  })
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

async function failureOf(name: string): Promise<unknown> {
  const repository = await server.createRepository(name)
  await repository.commit({ a: '1' })
  const { signal } = new AbortController()
  const fetching = mirrors.fetch(repository.url, { commit: '', branch: 'main' }, signal)
  return fetching.then(
    () => expect.fail('it was fetched'),
    (error: unknown) => error,
  )
}

const line = (content: string) => (content.length + 4).toString(16).padStart(4, '0') + content

test('a pack that breaks off at 40 % of 403 objects', async () => {
  const id = '0123456789'.repeat(4)
  give = (body, response) => {
    if (!body) return false
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' })
    if (body.includes('command=ls-refs')) response.end(`${line(`${id} refs/heads/main\n`)}0000`)
    else {
      const counted = `\x02Counting objects:  40% (403/1007)\r`
      response.write(line('packfile\n') + line(counted), () => response.destroy())
    }
    return true
  }
  expect(await failureOf('404-cut')).toMatchObject({
    reason: 'repository-unreachable',
    message: expect.stringMatching(/404-cut broke off while it was fetched: .*; try again later$/),
  })
})

test.each([
  [503, 'repository-unreachable', 'answers HTTP 503; the server has trouble of its own'],
  [429, 'repository-unreachable', 'answers HTTP 429'],
  [403, 'repository-denied', 'fairway credential set'],
  [404, 'repository-denied', 'fairway credential set'],
])('HTTP %i', async (status, reason, said) => {
  give = (_body, response) => {
    response.writeHead(status).end('permission denied')
    return true
  }
  expect(await failureOf(`401-${status}`)).toMatchObject({
    reason,
    message: expect.stringContaining(said),
  })
})
