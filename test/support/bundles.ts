import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Members } from '../../cli/evidence/bad-member.ts'
import { ensureVerifiers } from '../../packaging/dev/verifiers.ts'

/** As an auditor has it: not the copy in the bundle. */
const script = fileURLToPath(new URL('../../server/evidence/bundle/verify.sh', import.meta.url))

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export function execute(
  program: string,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, [...args], env ? { env } : {}, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr })
    })
  })
}

/** verify.sh by the machine's own sh. */
export const verifyBySh = (directory: string, ...options: string[]): Promise<Outcome> =>
  execute('sh', [script, ...options, directory])

export const verifyByDash = (directory: string, ...options: string[]): Promise<Outcome> =>
  execute('dash', [script, ...options, directory])

/** By busybox's sh, with busybox's tools and openssl, and no others. */
export async function verifyByBusybox(directory: string): Promise<Outcome> {
  const { busybox } = await ensureVerifiers()
  const bin = await mkdtemp(join(tmpdir(), 'fairway-busybox-'))
  try {
    const { stdout } = await execute(busybox, ['--list'])
    for (const applet of stdout.split('\n').filter(Boolean)) await symlink(busybox, join(bin, applet))
    const openssl = (await execute('sh', ['-c', 'command -v openssl'])).stdout.trim()
    await symlink(openssl, join(bin, 'openssl'))
    return await execute(join(bin, 'sh'), [script, directory], { PATH: bin })
  } finally {
    await rm(bin, { recursive: true })
  }
}

/** cosign from Debian sid, in a container without network, over files of `directory`. */
export async function cosign(directory: string, args: readonly string[]): Promise<Outcome> {
  const { cosign: program } = await ensureVerifiers()
  const mounts = ['--volume', `${program}:/usr/bin/cosign:ro`, '--volume', `${directory}:/bundle:ro`]
  const container = ['run', '--rm', '--network', 'none', '--workdir', '/bundle', ...mounts]
  return await execute('docker', [...container, 'fairway/debian:trixie', 'cosign', ...args])
}

/** Writes a bundle's members as they would be unpacked. */
export async function unpack(members: Members, directory: string): Promise<void> {
  for (const [path, bytes] of members) {
    const file = join(directory, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, bytes)
  }
}

/** Gives `fn` a copy of the directory that is gone afterwards. */
export async function withCopy<T>(directory: string, fn: (copy: string) => Promise<T>): Promise<T> {
  const copy = await mkdtemp(join(tmpdir(), 'fairway-bundle-'))
  try {
    await cp(directory, copy, { recursive: true })
    return await fn(copy)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
