import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import type { jobs as answerJobs } from '../../agent/hostile-text/jobs.ts'
import { createHostileText } from '../../lib/hostile-text/hostile-text.ts'
import { inTask } from '../../lib/threads/current-task.ts'
import { createThreadPool } from '../../lib/threads/thread-pool.ts'
import { createPolicyReader } from '../../server/governance/policy/read-policy.ts'
import type { jobs } from '../support/endless-worker.ts'

const size = 256 * 1024
const fill = (part: string, before = '', after = '') => before + part.repeat(size / part.length) + after

const limits = { deadlineMs: 60_000, memoryMb: 512, threads: 2, idleMs: 1_000 }
const text = createHostileText(limits)
const answers = createHostileText<typeof answerJobs>(
  limits,
  new URL('../../agent/hostile-text/worker.ts', import.meta.url),
)
const policy = createPolicyReader(limits)
afterAll(async () => {
  await text[Symbol.asyncDispose]()
  await answers[Symbol.asyncDispose]()
  await policy[Symbol.asyncDispose]()
})

/** How often the event loop went round until the work was done, and how that ended. */
async function turnsDuring(work: () => Promise<unknown>): Promise<{ turns: number; end: unknown }> {
  let done = false
  const ended = work()
    .catch((error: unknown) => error)
    .finally(() => {
      done = true
    })
  // What needs no turn of the event loop is done after a few of these, which are none.
  for (let count = 0; count < 100; count++) await undefined
  let turns = 0
  for (; !done; turns++) await turn()
  return { turns, end: await ended }
}

const none = new Map<string, string>()
const attacks: Record<string, () => Promise<unknown>> = {
  'requirements of one long run of blanks': () =>
    text.read('requirements', 'requirements.txt', [Buffer.from(fill(' ', 'a', '|')), 'requirements.txt']),
  'requirements of one long line of hashes': () =>
    text.read('requirements', 'requirements.txt', [
      Buffer.from(fill(' --hash=x', 'a', '|')),
      'requirements.txt',
    ]),
  'a page of tags that nothing ends': () => answers.read('assets', '/web/login', [fill('<link ')]),
  'a page of addresses that nothing ends': () => answers.read('assets', '/web/login', [fill('<link href=')]),
  'a manifest that is wrong everywhere': () =>
    text.read('manifests', 'the manifests of x', [
      [{ file: 'x/__manifest__.py', content: Buffer.from(fill('\\not  a').slice(0, size)) }],
    ]),
  'a repos.yaml of commas': () =>
    text.read('reposYaml', 'repos.yaml', [fill(',', '[').slice(0, size), 'repos.yaml', none]),
  'a fairway.yaml of brackets': () => text.read('fairwayFile', 'fairway.yaml', ['['.repeat(100_000)]),
}

describe('the event loop goes round while strangers’ text is read', () => {
  test.each(Object.entries(attacks))('%s', async (_, attack) => {
    const { turns, end } = await turnsDuring(attack)
    expect(turns).toBeGreaterThan(0)
    if (end instanceof Error) expect(end).toMatchObject({ name: 'TaskError' })
  })

  test('a policy of keys, and one of commas', async () => {
    const keys = Array.from({ length: 8_000 }, (_, index) => `k${index}:`).join('\n')
    for (const yaml of [keys.slice(0, 64_000), `[${','.repeat(64_000)}`]) {
      const { turns, end } = await turnsDuring(() => policy(yaml, 'acme'))
      expect(turns).toBeGreaterThan(0)
      expect(end).toMatchObject({ name: 'DomainError', reason: 'invalid-policy' })
    }
  })
})

describe('what is not done with in time is given up with its name and limit', () => {
  test('a file of a repository', async () => {
    await using hurried = createHostileText({ ...limits, deadlineMs: 1 })
    const reading = hurried.read('fairwayFile', 'fairway.yaml', ['['.repeat(100_000)])
    await expect(reading).rejects.toMatchObject({
      reason: 'input-too-complex',
      message: 'fairway.yaml is not read within 0.001 seconds: make it smaller or simpler',
    })
  })

  test('a policy', async () => {
    await using hurried = createPolicyReader({ ...limits, deadlineMs: 1 })
    await expect(hurried(`[${','.repeat(64_000)}`, 'acme')).rejects.toMatchObject({
      reason: 'policy-too-complex',
    })
  })
})

describe('a thread', () => {
  const endless = new URL('../support/endless-worker.ts', import.meta.url)

  test('that would never end is ended, while the event loop goes round and others are answered', async () => {
    await using pool = createThreadPool<typeof jobs>(endless, { ...limits, deadlineMs: 1_000 })
    const spinning = turnsDuring(() => pool.ask('spin', []))
    expect(await pool.ask('echo', ['here'])).toBe('here')
    const { turns, end } = await spinning
    expect(turns).toBeGreaterThan(0)
    expect(end).toMatchObject({ name: 'ThreadOverrun', how: 'time' })
    expect(await pool.ask('echo', ['again'])).toBe('again')
  })

  test('that takes more memory than it may is ended alone', async () => {
    await using pool = createThreadPool<typeof jobs>(endless, { ...limits, memoryMb: 32 })
    await expect(pool.ask('fill', [])).rejects.toMatchObject({ name: 'ThreadOverrun', how: 'memory' })
    expect(await pool.ask('echo', ['here'])).toBe('here')
  })

  test('ends with whoever asked, and answers each question to whoever asked it', async () => {
    await using pool = createThreadPool<typeof jobs>(endless, limits)
    const asked = new AbortController()
    const spinning = pool.ask('spin', [], { signal: asked.signal })
    const others = Array.from({ length: 20 }, (_, index) => pool.ask('echo', [`${index}`]))
    expect(await Promise.all(others)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`))
    asked.abort(new Error('cancelled'))
    await expect(spinning).rejects.toThrow('cancelled')
    await expect(pool.ask('fall', [])).rejects.toMatchObject({ name: 'JobFailed', told: 'TypeError' })
  })

  test('is not waited for by who has gone, and their place is free', async () => {
    await using pool = createThreadPool<typeof jobs>(endless, { ...limits, threads: 1 })
    const [first, second] = [new AbortController(), new AbortController()]
    const spinning = pool.ask('spin', [], { signal: first.signal })
    const waiting = pool.ask('echo', ['nobody'], { signal: second.signal })
    const third = pool.ask('echo', ['here'])
    second.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    first.abort(new Error('cancelled'))
    await expect(spinning).rejects.toThrow('cancelled')
    expect(await third).toBe('here')
  })

  test('is not held up by another owner, whose texts all take their whole time', async () => {
    await using pool = createThreadPool<typeof jobs>(endless, { ...limits, threadsPerOwner: 1 })
    const leaving = new AbortController()
    const hostile = { owner: 'hostile', signal: leaving.signal }
    const slow = Array.from({ length: 200 }, () => pool.ask('spin', [], hostile))
    const ended = Promise.allSettled(slow)
    const ours = Array.from({ length: 10 }, (_, index) => pool.ask('echo', [`${index}`], { owner: 'ours' }))
    // None of the slow ones has an end before all of these are answered.
    expect(await Promise.race([ended, Promise.all(ours)])).toEqual(
      Array.from({ length: 10 }, (_, index) => `${index}`),
    )
    leaving.abort(new Error('cancelled'))
    for (const end of await ended) expect(end).toMatchObject({ reason: { message: 'cancelled' } })
  })
})

describe('what a task reads', () => {
  const task = (projectId: string, signal = new AbortController().signal) => ({
    owner: { projectId, environmentId: '' },
    signal,
  })

  test('takes turns with what other projects read, whoever asked for more', async () => {
    await using alone = createHostileText({ ...limits, threads: 1 })
    const done: string[] = []
    const read = (project: string) =>
      inTask(task(project), async () => {
        await undefined
        await alone.read('packageList', 'a list', ['here', 'a list'])
        done.push(project)
      })
    await Promise.all([...Array.from({ length: 8 }, () => read('many')), read('few'), read('few')])
    expect(done.slice(0, 5)).toEqual(['many', 'few', 'many', 'few', 'many'])
  })

  test('ends with the task', async () => {
    const ending = new AbortController()
    const reading = inTask(task('shop', ending.signal), () =>
      answers.read('holds', 'a page', ['here', 'here']),
    )
    ending.abort(new Error('cancelled'))
    await expect(reading).rejects.toThrow('cancelled')
  })
})
