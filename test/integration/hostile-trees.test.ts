import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packLayer } from '../../agent/containers/layer-tar.ts'
import { writeAccessRules } from '../../agent/database/access-rules.ts'
import { createCopyDriver } from '../../agent/storage/copy.ts'
import { copyTree } from '../../agent/storage/tree/copy.ts'
import { ownTree } from '../../agent/storage/tree/own.ts'
import { removeTree } from '../../agent/storage/tree/remove.ts'
import { withTaskDirectory } from '../../agent/tasks/task-directory.ts'
import { createTask } from '../support/task-context.ts'

// Code in a container has a folder of this host bound into it, and changes it while root works on it. Outside stands what
// root must not touch: a canary whose owner, content and neighbours would tell.

const stranger = 12345
const { signal } = new AbortController()
let directory: string
let outside: string
let tree: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-trees-'))
  outside = join(directory, 'outside')
  tree = join(directory, 'tree')
  await mkdir(join(outside, 'deeper'), { recursive: true })
  await mkdir(tree)
  await writeFile(join(outside, 'shadow'), 'canary')
  await writeFile(join(outside, 'deeper/shadow'), 'canary')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function expectUntouched(): Promise<void> {
  for (const path of ['', 'shadow', 'deeper', 'deeper/shadow'])
    expect((await stat(join(outside, path))).uid, path).toBe(0)
  expect(await readFile(join(outside, 'shadow'), 'utf8')).toBe('canary')
  expect(await readFile(join(outside, 'deeper/shadow'), 'utf8')).toBe('canary')
  expect((await readdir(outside)).toSorted()).toEqual(['deeper', 'shadow'])
}

/** A tree of three levels with a link to the outside at each of them. */
async function plantLinks(root: string): Promise<void> {
  await mkdir(join(root, 'a/b'), { recursive: true })
  for (const level of ['', 'a', 'a/b']) {
    await symlink(outside, join(root, level, 'link'))
    await symlink(join(outside, 'shadow'), join(root, level, 'file-link'))
    await writeFile(join(root, level, 'own'), 'content')
  }
}

/** As a container's code would: exchanges a directory and a link to the outside as fast as it can (renameat2). */
async function startSwapping(folder: string): Promise<ChildProcess> {
  await mkdir(join(folder, 'swapped/deeper'), { recursive: true })
  await writeFile(join(folder, 'swapped/shadow'), 'own')
  await writeFile(join(folder, 'swapped/deeper/shadow'), 'own')
  await symlink(outside, join(folder, 'link'))
  const script = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
folder = os.open(sys.argv[1], os.O_DIRECTORY)
print('swapping', flush=True)
while True:
    libc.renameat2(folder, b'swapped', folder, b'link', 2)`
  const child = spawn('python3', ['-c', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}
async function whileSwapping(rounds: number, use: (round: number) => Promise<unknown>): Promise<void> {
  const child = await startSwapping(tree)
  try {
    for (let round = 0; round < rounds; round += 1) {
      await use(round)
      await expectUntouched()
    }
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

test('links prepared at every level are given away as links, and nothing behind them', async () => {
  await plantLinks(tree)
  await ownTree(tree, stranger, stranger, signal)
  await expectUntouched()
  for (const path of ['', 'own', 'a', 'a/own', 'a/b/own'])
    expect((await stat(join(tree, path))).uid, path).toBe(stranger)
})

test('a folder that is itself a link is not given away', async () => {
  await rm(tree, { recursive: true })
  await symlink(outside, tree)
  await expect(ownTree(tree, stranger, stranger, signal)).rejects.toThrow(/EEXIST|not a directory/)
  await expectUntouched()
})

test('giving a folder away while directories are swapped for links reaches nothing outside', async () => {
  await whileSwapping(400, async () => {
    await chown(tree, 0, 0)
    await ownTree(tree, stranger, stranger, signal)
  })
}, 60_000)

test('copying while directories are swapped for links brings nothing from outside', async () => {
  await whileSwapping(150, async (round) => {
    const copy = join(directory, `copy-${round}`)
    await copyTree(tree, copy, { how: 'bytes', signal })
    for (const name of ['swapped', 'link'])
      if (existsSync(join(copy, name, 'shadow')))
        expect(await readFile(join(copy, name, 'shadow'), 'utf8')).toBe('own')
    await removeTree(copy)
  })
}, 60_000)

test('removing while directories are swapped for links removes nothing outside', async () => {
  for (let round = 0; round < 10; round += 1) {
    await mkdir(tree, { recursive: true })
    for (let n = 0; n < 50; n += 1) {
      await mkdir(join(tree, `d${n}`))
      await writeFile(join(tree, `d${n}/f`), '')
    }
    const child = await startSwapping(tree)
    try {
      await removeTree(tree)
      await expectUntouched()
      expect(existsSync(tree)).toBe(false)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
}, 60_000)

test('links are removed, not followed; no depth and no name keeps a tree', async () => {
  await plantLinks(tree)
  let deep = tree
  for (let level = 0; level < 400; level += 1) {
    deep = join(deep, 'd')
    await mkdir(deep)
    await symlink(outside, join(deep, 'link'))
  }
  await writeFile(join(tree, ' \n*'), '')
  await removeTree(tree)
  expect(existsSync(tree)).toBe(false)
  await removeTree(tree)
  await expectUntouched()
})

test('what an earlier process of a task left is removed, though its container still swaps things in it', async () => {
  const { context } = createTask()
  const place = join(directory, 'tasks', `${context.taskId}-${context.epoch}`)
  await mkdir(place, { recursive: true })
  const child = await startSwapping(place)
  try {
    await withTaskDirectory(directory, context, async (own) => expect(await readdir(own)).toEqual([]))
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await expectUntouched()
})

test.each(['pg_wal', 'global'])(
  'a data directory whose %s is a link is not copied through it',
  async (name) => {
    const segment = '000000010000000000000001'
    await writeFile(join(outside, segment), 'canary')
    await writeFile(join(outside, 'pg_control'), 'canary')
    const [from, to] = [join(directory, 'from'), join(directory, 'to')]
    for (const part of ['pg_wal', 'global']) await mkdir(join(from, 'data', part), { recursive: true })
    await rm(join(from, 'data', name), { recursive: true })
    await symlink(outside, join(from, 'data', name))
    await expect(createCopyDriver().copyContent(from, to, undefined, signal)).rejects.toThrow(
      /not a directory/,
    )
    for (const copied of [`data/pg_wal/${segment}`, 'data/global/pg_control'])
      expect(existsSync(join(to, copied))).toBe(false)
  },
)

test('links in place of archive_status and backup_label are not written through', async () => {
  const [from, to] = [join(directory, 'from'), join(directory, 'to')]
  for (const part of ['data/pg_wal', 'data/global', 'filestore'])
    await mkdir(join(from, part), { recursive: true })
  await symlink(outside, join(from, 'data/pg_wal/archive_status'))
  await symlink(join(outside, 'shadow'), join(from, 'data/backup_label'))
  await symlink(join(outside, 'shadow'), join(from, 'data/tablespace_map'))
  await chown(join(from, 'data'), stranger, stranger)
  const live = {
    prepare: async () => undefined,
    begin: async () => undefined,
    end: async () => ({ label: 'label', tablespaceMap: 'map', firstSegment: '', lastSegment: '' }),
    release: async () => undefined,
  }
  await createCopyDriver().copyContent(from, to, live, signal)
  expect(await readFile(join(to, 'data/backup_label'), 'utf8')).toBe('label')
  await expectUntouched()
})

test('the access rules of a server are written over links, not through them', async () => {
  for (const name of ['pg_hba.conf', 'pg_hba.conf.fairway', 'pg_ident.conf'])
    await symlink(join(outside, 'shadow'), join(tree, name))
  await writeAccessRules(tree, { uid: stranger, gid: stranger })
  expect(await readFile(join(tree, 'pg_hba.conf'), 'utf8')).toContain('fairway_reader')
  await expectUntouched()
})

test('a layer is not made of what a link in place of its folder leads to', async () => {
  await symlink(outside, join(tree, 'root'))
  const layer = packLayer([{ directory: join(tree, 'root'), target: '' }], signal)
  await expect(text(layer)).rejects.toThrow(/not a directory/)
})
