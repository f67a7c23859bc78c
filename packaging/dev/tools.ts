import { ensureDebianBinary } from './debian-binary.ts'
import { ensurePackages } from './packages.ts'

/** Programs the agent runs, by path. */
export type Tools = { restic: string }

/**
 * Install the programs an agent needs on its host. restic comes from trixie: Debian 12's 0.14 keeps a dump that died in
 * its pipe as a good snapshot, 0.17 and later can notice.
 */
export async function ensureTools(): Promise<Tools> {
  await ensurePackages(['git', 'btrfs-progs', 'xfsprogs', 'procps'])
  return { restic: await ensureDebianBinary({ package: 'restic', suite: 'trixie', path: 'usr/bin/restic' }) }
}
