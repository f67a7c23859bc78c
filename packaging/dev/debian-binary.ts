import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { findMirror } from '../images/mirror.ts'
import { run } from './command.ts'
import { homeDirectory } from './home.ts'
import { step } from './progress.ts'

export type DebianBinary = {
  package: string
  /** Release to take it from, which may be newer than the machine's (for programs that need libc alone). */
  suite: string
  /** Where the package has it. */
  path: string
}

/**
 * One program out of a Debian package, in `home`/tools/bin, without installing the package: no service is started, and
 * a newer release's program can stand beside this machine's packages. apt checks the signatures. Gives its path.
 */
export async function ensureDebianBinary(binary: DebianBinary): Promise<string> {
  const target = join(homeDirectory('tools', 'bin'), basename(binary.path))
  if (existsSync(target)) return target
  await step(`unpack ${binary.package} (Debian ${binary.suite})`, async () => {
    const scratch = await mkdtemp(join(homeDirectory('cache'), 'apt-'))
    try {
      await download(binary, scratch)
      await rename(join(scratch, 'unpacked', binary.path), target)
    } finally {
      await rm(scratch, { recursive: true })
    }
  })
  return target
}

async function download(binary: DebianBinary, scratch: string): Promise<void> {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  const { debian } = await findMirror()
  await writeFile(
    join(scratch, 'sources.list'),
    `deb [signed-by=${keyring}] ${debian} ${binary.suite} main\n`,
  )
  await mkdir(join(scratch, 'state', 'lists', 'partial'), { recursive: true })
  await mkdir(join(scratch, 'cache', 'archives', 'partial'), { recursive: true })
  // an apt of its own, so that the machine's package lists stay as they are
  const settings = {
    'Dir::Etc::sourcelist': join(scratch, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': join(scratch, 'state'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(scratch, 'cache'),
    'APT::Sandbox::User': 'root',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await run('apt-get', [...options, 'update', '-qq'])
  await run('apt-get', [...options, 'download', '-qq', binary.package], { cwd: scratch })
  const archive = (await readdir(scratch)).find((name) => name.endsWith('.deb'))
  if (!archive) throw new Error(`apt-get download ${binary.package} left no package file`)
  await run('dpkg-deb', ['--extract', join(scratch, archive), join(scratch, 'unpacked')])
}
