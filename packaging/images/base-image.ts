import { chmod, cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../dev/command.ts'
import { homeDirectory } from '../dev/home.ts'
import { ensurePackages } from '../dev/packages.ts'
import { step } from '../dev/progress.ts'
import { dockerBuild, isUpToDate } from './docker-build.ts'
import { imagesFolder } from './folder.ts'
import type { Mirror } from './mirror.ts'
import { recipeOf } from './recipe.ts'

export type Suite = 'trixie' | 'forky'

const folder = join(imagesFolder, 'base')

/** A minimal Debian of that suite as a local image; gives its tag. Nothing is pulled: it is bootstrapped from packages. */
export async function ensureBaseImage(suite: Suite, mirror: Mirror, force: boolean): Promise<string> {
  const tag = `fairway/debian:${suite}`
  const recipe = await recipeOf(folder, { suite, mirror })
  if (!force && (await isUpToDate(tag, recipe))) return tag
  await ensurePackages(['mmdebstrap', 'debian-archive-keyring'])
  const context = homeDirectory('cache', 'images', suite)
  try {
    await cp(folder, context, { recursive: true })
    await step(`bootstrap Debian ${suite}`, () => bootstrap(suite, mirror, join(context, 'rootfs.tar')))
    await dockerBuild({ tag, context, recipe, noCache: force })
  } finally {
    await rm(context, { recursive: true })
  }
  return tag
}

async function bootstrap(suite: Suite, mirror: Mirror, rootfs: string): Promise<void> {
  const sources = [`deb ${mirror.debian} ${suite} main`]
  if (suite === 'trixie' && mirror.security) sources.push(`deb ${mirror.security} trixie-security main`)
  const options = [
    '--variant=minbase',
    `--aptopt=${join(folder, 'apt.conf')}`,
    ...mirror.options.map((option) => `--aptopt=${option}`),
    `--dpkgopt=${join(folder, 'dpkg.cfg')}`,
    // the host's names and resolver are no part of an image
    '--customize-hook=: >"$1/etc/resolv.conf"; echo debian >"$1/etc/hostname"; : >"$1/etc/machine-id"',
  ]
  await run('mmdebstrap', [...options, suite, rootfs, ...sources])
  await chmod(rootfs, 0o600)
}
