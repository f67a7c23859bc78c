import { ensureDebianBinary } from './debian-binary.ts'

/** Programs that are not ours and that the tests of evidence verify bundles with, by path. */
export type Verifiers = { cosign: string; busybox: string }

/** cosign is in no stable Debian; busybox is the smallest shell that an auditor's script may meet. */
export async function ensureVerifiers(): Promise<Verifiers> {
  return {
    cosign: await ensureDebianBinary({ package: 'cosign', suite: 'sid', path: 'usr/bin/cosign' }),
    busybox: await ensureDebianBinary({
      package: 'busybox-static',
      suite: 'trixie',
      path: 'usr/bin/busybox',
    }),
  }
}
