import { existsSync } from 'node:fs'
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'
import { home, homeDirectory } from './home.ts'
import { ensurePackages } from './packages.ts'
import { step } from './progress.ts'

export type Pool = {
  /** Mounted at `home`/NAME, on the file `home`/NAME.img. */
  name: string
  filesystem: 'btrfs' | 'xfs'
  /** Of the sparse file: what the pool may grow to, not what it takes. */
  sizeBytes: number
}

const make = {
  btrfs: { package: 'btrfs-progs', command: ['mkfs.btrfs', '--quiet'] },
  xfs: { package: 'xfsprogs', command: ['mkfs.xfs', '-q', '-m', 'reflink=1'] },
}

/** Make sure that the pool is there and mounted; gives its path. What is in it stays. */
export async function ensurePool({ name, filesystem, sizeBytes }: Pool): Promise<string> {
  const path = homeDirectory(name)
  if (await isMounted(path)) return path
  const { package: tools, command } = make[filesystem]
  await ensurePackages([tools])
  const file = join(home, `${name}.img`)
  await step(`mount the ${filesystem} pool ${path}`, async () => {
    if (!existsSync(file)) {
      // under another name until it holds a whole file system
      const draft = `${file}.new`
      // for root alone: it holds every database of the pool, and the passwords to them
      await rm(draft, { force: true })
      await writeFile(draft, '', { mode: 0o600 })
      await truncate(draft, sizeBytes)
      const [program = '', ...args] = command
      await run(program, [...args, draft])
      await rename(draft, file)
    }
    await run('mount', ['-o', 'loop,noatime', file, path])
  })
  return path
}

/** Unmount the pool (its loop device goes with it) and delete its file; none is fine. */
export async function removePool({ name }: Pool): Promise<void> {
  const path = homeDirectory(name)
  if (await isMounted(path)) await run('umount', [path])
  await rm(join(home, `${name}.img`), { force: true })
  await rm(path, { recursive: true, force: true })
}

async function isMounted(path: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  return mounts.split('\n').some((line) => line.split(' ')[1] === path)
}
