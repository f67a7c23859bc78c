import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDirectory } from '../../cli/evidence/read-directory.ts'
import { verifyBundle } from '../../cli/evidence/verify.ts'
import {
  cosign,
  execute,
  type Outcome,
  verifyByBusybox,
  verifyByDash,
  verifyBySh,
  withCopy,
} from '../support/bundles.ts'
import { runCli } from '../support/cli.ts'
import { arrangeEvidence, type EvidenceFixture, moveEnd, withUnpacked } from '../support/evidence-bundle.ts'

// By programs that are not ours: openssl, the sigstore project's library, cosign.

let evidence: EvidenceFixture
beforeAll(async () => {
  evidence = await arrangeEvidence()
})
afterAll(() => evidence?.[Symbol.asyncDispose]())

const cli = (...words: string[]) =>
  runCli(words, {
    FAIRWAY_SERVER: evidence.server.url,
    FAIRWAY_TOKEN: evidence.token,
    XDG_CONFIG_HOME: evidence.directory,
  })

async function fingerprints(): Promise<string[]> {
  const { stdout } = await cli('evidence', 'keys', '--json')
  return (JSON.parse(stdout) as { fingerprint: string }[]).map(({ fingerprint }) => fingerprint)
}

describe('a bundle as it was pulled holds', () => {
  test.each<[string, (directory: string) => Promise<Outcome>]>([
    ['sh and openssl', verifyBySh],
    ['dash and openssl', verifyByDash],
    ['busybox and openssl, with nothing else', verifyByBusybox],
    ['fairway evidence verify', (directory) => cli('evidence', 'verify', directory)],
  ])('by %s', async (_, verify) => {
    const { code, stdout, stderr } = await verify(evidence.directory)
    expect(stderr).not.toContain('BAD')
    expect(code).toBe(0)
    for (const fingerprint of await fingerprints()) expect(stdout).toContain(fingerprint)
    for (const name of ['run', 'deploy', 'provenance', 'approval', 'tests']) expect(stdout).toContain(name)
  })

  test('in a directory whose name has spaces and quotes, from elsewhere', async () => {
    await withCopy(evidence.directory, async (copy) => {
      const odd = join(copy, '..', `it's a "bundle" ${copy.split('/').at(-1)}`)
      await rename(copy, odd)
      const outcome = await verifyBySh(odd)
      await rename(odd, copy)
      expect(outcome).toMatchObject({ code: 0, stderr: '' })
    })
  })

  test('by the sha256sum of coreutils, and by the one line of openssl in VERIFY.md', async () => {
    const line =
      'sha256sum -c MANIFEST && openssl dgst -sha256 -verify keys/statements-*.pem -signature MANIFEST.sig MANIFEST'
    expect(await execute('sh', ['-c', `cd ${evidence.directory} && ${line}`])).toMatchObject({ code: 0 })
  })

  test('only for the key that is pinned', async () => {
    const keys = (await readdir(join(evidence.directory, 'keys'))).flatMap(
      (name) => /^statements-(.*)\.pem$/.exec(name)?.[1] ?? [],
    )
    const [pin = ''] = keys
    const other = 'f'.repeat(64)
    expect(await verifyBySh(evidence.directory, '--key-sha256', pin)).toMatchObject({ code: 0 })
    expect(await verifyBySh(evidence.directory, '--key-sha256', other, '--key-sha256', pin)).toMatchObject({
      code: 0,
    })
    expect(await cli('evidence', 'verify', evidence.directory, '--key-sha256', pin)).toMatchObject({
      code: 0,
    })
    const refused = [
      await verifyBySh(evidence.directory, '--key-sha256', other),
      await cli('evidence', 'verify', evidence.directory, '--key-sha256', other),
    ]
    for (const { code, stderr } of refused) {
      expect(code).toBe(1)
      expect(stderr).toContain(`BAD MANIFEST: signed by the key sha256:${pin}, which is none of those given`)
    }
    for (const bad of ['abc', 'F'.repeat(64), '']) {
      expect((await verifyBySh(evidence.directory, '--key-sha256', bad)).code).toBe(2)
      expect((await cli('evidence', 'verify', evidence.directory, '--key-sha256', bad)).code).toBe(2)
    }
  })
})

describe('proofs in trees of every shape hold', () => {
  const shapes = [1, 2, 3, 7, 8, 33, 1_000].flatMap((size) =>
    [...new Set([0, Math.floor(size / 2), size - 1])].map((index): [number, number] => [index, size]),
  )

  test.each(shapes)('event %i of %i', async (index, size) => {
    const members = await moveEnd(evidence, index, size)
    await withUnpacked(members, async (directory) => {
      expect(await verifyBySh(directory)).toMatchObject({ code: 0, stderr: '' })
      expect(verifyBundle(await readDirectory(directory)).audit).toMatchObject({ size, events: 1 })
    })
  })
})

describe('cosign without network', () => {
  const key = async () => {
    const names = await readdir(join(evidence.directory, 'keys'))
    return `keys/${names.find((name) => name.startsWith('statements-'))}`
  }
  const verify = async (name: string, type: string, blob: readonly string[]) =>
    cosign(evidence.directory, [
      'verify-blob-attestation',
      '--key',
      await key(),
      '--bundle',
      `statements/${name}.sigstore.json`,
      '--type',
      type,
      '--insecure-ignore-tlog=true',
      ...blob,
    ])
  const own = (name: string) => `https://fairway.dev/predicates/${name}/v1`

  test('verifies every statement against what it is about', async () => {
    const files = await readdir(join(evidence.directory, 'statements'))
    const names = files.flatMap((file) => /^(.*)\.sigstore\.json$/.exec(file)?.[1] ?? [])
    expect(names.sort()).toEqual(['approval', 'deploy', 'provenance', 'run', 'tests'])
    for (const name of names) {
      const payload = JSON.parse(
        await readFile(join(evidence.directory, `statements/${name}.json`), 'utf8'),
      ) as {
        predicateType: string
        subject: { name: string; digest: { sha256: string } }[]
      }
      const subject = payload.subject.at(-1)
      const blob = subject?.name.includes('.json')
        ? [subject.name]
        : ['--digest', subject?.digest.sha256 ?? '', '--digestAlg', 'sha256']
      const { code, stderr } = await verify(name, payload.predicateType, blob)
      expect(stderr, name).toContain('Verified OK')
      expect(code).toBe(0)
    }
  })

  test.each([
    ['another file', 'run', own('run'), ['COMPLETENESS.json']],
    ['another predicate', 'run', own('deploy'), ['run/manifest.json']],
  ])('refuses %s', async (_, name, type, blob) => {
    const { code, stderr } = await verify(name, type, blob)
    expect(code).not.toBe(0)
    expect(stderr).not.toContain('Verified OK')
  })
})
