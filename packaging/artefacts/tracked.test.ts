import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../dev/command.ts'
import { openTracked } from './tracked.ts'

let root: string
const git = (...words: string[]) =>
  run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], { cwd: root })
const write = (path: string, text = '') => writeFile(join(root, path), text)

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-tracked-'))
  await git('init', '--quiet')
  await mkdir(join(root, 'migrations/former'), { recursive: true })
  for (const name of ['0001-one.sql', '0002-two.sql', 'former/größe.sql', 'read.ts'])
    await write(`migrations/${name}`)
  await git('add', '.')
  await git('commit', '--quiet', '--message', 'one')
})
afterAll(() => rm(root, { recursive: true }))

test('a checkout that is its commit', async () => {
  const tracked = await openTracked(root)
  expect(await tracked.listChanges()).toEqual([])
  const files = await tracked.list('migrations', (path) => !path.endsWith('.ts'))
  expect([...files.keys()]).toEqual([
    'migrations/0001-one.sql',
    'migrations/0002-two.sql',
    'migrations/former/größe.sql',
  ])
  expect(files.get('migrations/0001-one.sql')).toEqual({ file: join(root, 'migrations/0001-one.sql') })
})

test('what git does not know is left out, and what differs is said', async () => {
  for (const name of ['0003-not-yet.sql', '0001-one.sql~', '.0002-two.sql.swp', '.env'])
    await write(`migrations/${name}`)
  await write('migrations/0001-one.sql', 'changed')
  await rm(join(root, 'migrations/0002-two.sql'))
  const tracked = await openTracked(root)
  expect([...(await tracked.list('migrations')).keys()]).toEqual([
    'migrations/0001-one.sql',
    'migrations/former/größe.sql',
    'migrations/read.ts',
  ])
  expect((await tracked.listChanges()).toSorted()).toEqual([
    ' D migrations/0002-two.sql',
    ' M migrations/0001-one.sql',
    '?? migrations/.0002-two.sql.swp',
    '?? migrations/.env',
    '?? migrations/0001-one.sql~',
    '?? migrations/0003-not-yet.sql',
  ])
  await expect(tracked.list('nowhere')).rejects.toThrow(/git knows no file in nowhere/)
})

test('a copy without git makes no artefact, inside of another checkout neither', async () => {
  const bare = await mkdtemp(join(tmpdir(), 'fairway-no-git-'))
  try {
    await expect(openTracked(bare)).rejects.toThrow(/is no git checkout.*git clone/s)
    await expect(openTracked(join(root, 'migrations'))).rejects.toThrow(/is no git checkout/)
  } finally {
    await rm(bare, { recursive: true })
  }
})
