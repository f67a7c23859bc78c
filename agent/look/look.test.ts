import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterEach, expect, test } from 'vitest'
import { LookSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { startGitServer } from '../../test/support/git-server.ts'
import { createTestLook } from '../../test/support/look.ts'
import { waitFor } from '../../test/support/wait-for.ts'

const opened: AsyncDisposable[] = []
afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]()
})

test('polls of servers that do not answer leave room for what people wait for', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-look-'))
  opened.push({ [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) })
  const held = Promise.withResolvers<void>()
  let polled = 0
  const git = await startGitServer({
    async answer({ url = '' }) {
      if (!url.includes('slow')) return false
      if (url.includes('service=')) polled += 1
      await held.promise
      return false
    },
  })
  opened.push(git)
  for (const name of ['slow.git', 'shop.git']) await (await git.createRepository(name)).commit({ a: '1' })
  const look = createTestLook(directory)
  const ask = (name: string, isPoll: boolean) =>
    look(
      create(LookSchema, { lookId: name, repositoryUrl: `${git.url}/${name}`, isPoll, timeoutMs: 60_000 }),
      new AbortController().signal,
    )
  const polls = Array.from({ length: 4 }, () => ask('slow.git', true))
  await waitFor('two polls', () => polled === 2)
  expect(await ask('shop.git', false)).toMatchObject({ reason: '', heads: [{ branch: 'main' }] })
  expect(polled).toBe(2)
  held.resolve()
  for (const { reason } of await Promise.all(polls)) expect(reason).toBe('')
  expect(polled).toBe(4)
})
