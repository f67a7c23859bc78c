import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { zstdCompressSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readArchive } from '../../cli/evidence/read-archive.ts'
import { packBundle } from '../../server/evidence/bundle/pack.ts'
import { sealBundle } from '../../server/evidence/bundle/seal.ts'
import { verifyBySh } from '../support/bundles.ts'
import { runCli } from '../support/cli.ts'
import { arrangeEvidence, type EvidenceFixture } from '../support/evidence-bundle.ts'
import { playRun } from '../support/play-run.ts'
import { query } from '../support/postgres.ts'
import { arrangeBuild, arrangeTenant } from '../support/tenant.ts'

let evidence: EvidenceFixture
let home: string
beforeAll(async () => {
  evidence = await arrangeEvidence()
  home = await mkdtemp(join(tmpdir(), 'fairway-pull-'))
})
afterAll(async () => {
  await evidence?.[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

const cli = (...words: string[]) => cliAs(evidence.token, ...words)
const cliAs = (token: string, ...words: string[]) =>
  runCli(words, { FAIRWAY_SERVER: evidence.server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: home })

async function built(branch: string) {
  const { server, tenant } = evidence
  const build = await arrangeBuild(server.context, tenant, branch)
  await playRun(server.context, tenant, build.runId)
  return build
}

describe('pulled again', () => {
  test('it is the same bytes, whatever happened since', async () => {
    const { production, packed, pull, server, tenant } = evidence
    expect((await pull(production.runId)).equals(packed)).toBe(true)
    await built('feature/later')
    expect(await cli('evidence', 'keys', '--rotate', '--yes')).toMatchObject({ code: 0 })
    // What is true of the run in the database now is not what it ended with.
    await query(server.database.ownerUrl, "update hosts set agent_version = '99', clock_offset_ms = 7")
    await query(server.database.ownerUrl, "update approvals set review_note = 'late'")
    expect((await pull(production.runId)).equals(packed)).toBe(true)
    const file = join(home, 'again.tar.zst')
    expect(await cli('evidence', 'pull', tenant.project, `${production.number}`, '-o', file)).toMatchObject({
      code: 0,
    })
    expect((await readFile(file)).equals(packed)).toBe(true)
  })

  test('by many at once for the first time, it is one bundle', async () => {
    const { server, tenant } = evidence
    const { runId } = await built('feature/race')
    const seal = () => sealBundle(server.context, tenant.organizationId, runId)
    const sealed = await Promise.all([seal(), seal(), seal(), seal()])
    expect(new Set(sealed.map(({ sha256 }) => sha256)).size).toBe(1)
  })

  test('nothing of the machine or the time is in the archive: the same parts make the same bytes', async () => {
    const members = [...evidence.archive.members]
      .filter(([path]) => !path.startsWith('MANIFEST'))
      .map(([path, bytes]) => ({ path, read: async () => bytes }))
    const signature = evidence.archive.members.get('MANIFEST.sig') ?? Buffer.of()
    const again = await packBundle(evidence.archive.folder, members.toReversed(), () => signature)
    expect(again.equals(evidence.packed)).toBe(true)
  })
})

describe('keys that were rotated', () => {
  test('sign what comes next, and former bundles still hold', async () => {
    const before = await built('feature/before')
    const old = await evidence.pull(before.runId)
    const former = await evidence.signingKey()
    expect(await cli('evidence', 'keys', '--rotate', '--yes')).toMatchObject({ code: 0 })
    const after = await built('feature/after')
    const [olds, news] = [join(home, 'old'), join(home, 'new')]
    await writeFile(`${olds}.tar.zst`, old)
    expect(await cli('evidence', 'verify', `${olds}.tar.zst`)).toMatchObject({ code: 0 })
    expect(await cli('evidence', 'pull', after.runId, '-o', news)).toMatchObject({ code: 0 })
    expect(await verifyBySh(news)).toMatchObject({ code: 0 })
    const names = await readdir(join(news, 'keys'))
    expect(names.filter((name) => name.startsWith('statements-'))).toHaveLength(1)
    const { stdout } = await cli('evidence', 'keys', '--json')
    const keys = JSON.parse(stdout) as { id: string; validUntil: string | null }[]
    expect(keys.find(({ id }) => id === former.id)?.validUntil).not.toBeNull()
    expect(keys.filter(({ validUntil }) => validUntil === null)).toHaveLength(2)
  })

  test('a bundle pulled after the rotation has the key of its statements and that of its MANIFEST', async () => {
    const { runId } = await built('feature/between')
    await cli('evidence', 'keys', '--rotate', '--yes')
    const target = join(home, 'between')
    expect(await cli('evidence', 'pull', runId, '-o', target)).toMatchObject({ code: 0 })
    const names = await readdir(join(target, 'keys'))
    expect(names.filter((name) => name.startsWith('statements-'))).toHaveLength(2)
    expect(await verifyBySh(target)).toMatchObject({ code: 0 })
    expect(await cli('evidence', 'verify', target)).toMatchObject({ code: 0 })
  })
})

describe('the command', () => {
  test('unpacks into a new directory, says what is in it and how to verify it', async () => {
    const { tenant, production } = evidence
    const target = join(home, 'bundle/')
    const { code, stdout, stderr } = await cli(
      'evidence',
      'pull',
      `${tenant.project}/${production.number}`,
      '-o',
      target,
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/deploy +https:\/\/fairway.dev\/predicates\/deploy\/v1/)
    expect(stdout).toContain('SBOM')
    const [, verify = ''] = /Verify it: sh (.*)\n/.exec(stderr) ?? []
    expect(verify).toMatch(/bundle\/verify\.sh --key-sha256 [0-9a-f]{64}$/)
    const [, pin = ''] = verify.split(' --key-sha256 ')
    expect(await verifyBySh(target, '--key-sha256', pin)).toMatchObject({ code: 0 })
    expect((await stat(join(target, 'verify.sh'))).mode & 0o777).toBe(0o755)
    expect((await readdir(home)).filter((name) => name.startsWith('.bundle'))).toEqual([])
  })

  test('overwrites nothing', async () => {
    const { production } = evidence
    const [directory, file] = [join(home, 'mine'), join(home, 'mine.tar.zst')]
    await writeFile(file, 'mine')
    await writeFile(directory, 'mine')
    for (const target of [directory, file, home]) {
      const { code, stderr } = await cli('evidence', 'pull', production.runId, '-o', target)
      expect({ code, stderr }).toMatchObject({ code: 5, stderr: expect.stringContaining('exists already') })
    }
    expect(await readFile(file, 'utf8')).toBe('mine')
    expect(await readFile(directory, 'utf8')).toBe('mine')
  })

  test('lists, shows and prints single statements', async () => {
    const { tenant, production } = evidence
    const build = `${tenant.project}/${production.number}`
    expect((await cli('evidence', 'list', tenant.project)).stdout).toContain(`${build} `)
    expect((await cli('evidence', 'show', build)).stdout).toMatch(
      /run +run\/manifest\.json sha256:[0-9a-f]{64}/,
    )
    const { stdout } = await cli('evidence', 'show', build, '--statement', 'run')
    expect(stdout).toBe(evidence.archive.members.get('statements/run.sigstore.json')?.toString('utf8'))
    expect(await cli('evidence', 'show', build, '--statement', 'nonsense')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('There are: '),
    })
  })
})

describe('refuses', () => {
  test('a run that has not ended, and says what to do', async () => {
    const { server, tenant } = evidence
    const { number } = await arrangeBuild(server.context, tenant, 'feature/under-way')
    const { code, stderr } = await cli(
      'evidence',
      'pull',
      tenant.project,
      `${number}`,
      '-o',
      join(home, 'none'),
    )
    expect(code).toBe(5)
    expect(stderr).toContain(
      `Build shop/${number} is queued: its evidence is made when it has ended. Wait for it: \`fairway build watch shop ${number}\``,
    )
    await expect(stat(join(home, 'none'))).rejects.toThrow('ENOENT')
  })

  test('another tenant’s run as it does an absent one', async () => {
    const { server, production } = evidence
    const other = await server.createTenant('rival')
    await arrangeTenant(server.context, other.organizationId, 'rival-shop')
    const words = ['evidence', 'pull', production.runId, '-o', join(home, 'stolen')] as const
    const guessed = await cliAs(other.token, ...words)
    const absent = await cliAs(
      other.token,
      'evidence',
      'pull',
      crypto.randomUUID(),
      '-o',
      join(home, 'stolen'),
    )
    const wordsOf = ({ stderr }: { stderr: string }) => stderr.replace(/"[^"]*"/, '"…"')
    expect(guessed.code).toBe(3)
    expect(wordsOf(guessed)).toBe(wordsOf(absent))
  })

  test('words that name no run', async () => {
    for (const words of [[], ['what', 'is', 'this'], ['shop', '0'], ['not-a-run']]) {
      expect((await cli('evidence', 'pull', ...words)).code).toBe(2)
    }
  })

  test('to seal over an audit event that somebody changed in the database', async () => {
    const { server } = evidence
    const { runId } = await built('feature/edited')
    await evidence.pull((await built('feature/checkpointed')).runId)
    const { ownerUrl } = server.database
    await query(ownerUrl, "update audit_events set actor = 'member:eve' where subject_id = $1", [runId])
    const { code, stderr } = await cli('evidence', 'pull', runId, '-o', join(home, 'edited'))
    expect(code).toBe(5)
    expect(stderr).toContain('somebody changed it behind the server')
  })
})

describe('an archive is taken only as bundles are made', () => {
  const file: Partial<Header> & { name: string } = {
    name: 'b/x',
    uid: 0,
    gid: 0,
    mode: 0o644,
    mtime: new Date(0),
    type: 'file',
  }
  async function archive(entries: readonly Partial<Header>[]): Promise<Buffer> {
    const tar = pack()
    for (const entry of entries)
      tar.entry({ ...file, ...entry }, entry.type && entry.type !== 'file' ? '' : 'x')
    tar.finalize()
    return zstdCompressSync(await buffer(tar))
  }

  test('a plain one', async () => {
    const { folder, members } = await readArchive(await archive([{}, { name: 'b/y/z' }]), 'b')
    expect(folder).toBe('b')
    expect([...members.keys()]).toEqual(['x', 'y/z'])
  })

  test.each<[string, readonly Partial<Header>[]]>([
    ['a path that leads out', [{ name: 'b/../../x' }]],
    ['an absolute path', [{ name: '/etc/x' }]],
    ['a file beside the folder', [{}, { name: 'c/x' }]],
    ['a file without folder', [{ name: 'x' }]],
    ['a name twice', [{}, {}]],
    ['a symbolic link', [{ type: 'symlink', linkname: '/etc/passwd' }]],
    ['a hard link', [{ type: 'link', linkname: 'b/x' }]],
    ['a device', [{ type: 'character-device' }]],
    ['a directory', [{ name: 'b/d', type: 'directory' }]],
    ['a program', [{ mode: 0o755 }]],
    ['a set-user-id program', [{ mode: 0o4644 }]],
    ['an owner', [{ uid: 1000 }]],
    ['a time', [{ mtime: new Date(1_000_000_000_000) }]],
    ['a name with an escape', [{ name: 'b/\u001b[31m' }]],
    ['nothing', []],
  ])('not %s', async (_, entries) => {
    await expect(readArchive(await archive(entries), 'b')).rejects.toThrow(/: /)
  })

  test('not one that was cut or changed', async () => {
    const { packed } = evidence
    await expect(readArchive(packed.subarray(0, packed.length / 2), 'b')).rejects.toThrow(
      'not a whole bundle',
    )
    await expect(readArchive(Buffer.from('not zstd'), 'b')).rejects.toThrow('not a whole bundle')
    const changed = Buffer.from(packed)
    changed[packed.length >> 1] = (changed[packed.length >> 1] ?? 0) ^ 1
    await expect(readArchive(changed, 'b')).rejects.toThrow('not a whole bundle')
  })
})
