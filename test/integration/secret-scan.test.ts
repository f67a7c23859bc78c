import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDockerHost } from '../../agent/containers/docker.ts'
import { createGit } from '../../agent/git/command.ts'
import { createMirrors, type Mirrors } from '../../agent/git/mirrors.ts'
import { createPackageSources } from '../../agent/packages/package-sources.ts'
import { scanForSecrets } from '../../agent/secret-scan/scan.ts'
import { resolve } from '../../agent/tasks/resolve.ts'
import type { TaskError } from '../../agent/tasks/task.ts'
import { fingerprintOf } from '../../lib/repository/secret-scan/fingerprint.ts'
import { openScanner } from '../../lib/repository/secret-scan/scanner.ts'
import { CellStage, ResolveTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createLoopbackDialer } from '../support/dialers.ts'
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts'
import { addonFiles } from '../support/odoo-addons.ts'
import { createTestDialer, ownImages, registry } from '../support/odoo-services.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'

// Put together here, so that this file holds none itself.
const together = (...parts: string[]) => parts.join('')
const awsSecret = together('wJalrXUtnFEMI', 'K7MDENGbPxRfiCYzzzzz12345kl')
const aws = `aws_secret_access_key = "${awsSecret}"\n`
const slack = together('xoxb-', '23984754863-2348975623103-abcdefghijklmnopqrstuvwx')
const key = [
  together('-----BEGIN RSA ', 'PRIVATE KEY-----'),
  ...Array.from({ length: 6 }, () => 'MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfnabcdefghijklmnopqrstuvwxyz012345'),
  together('-----END RSA ', 'PRIVATE KEY-----'),
  '',
].join('\n')
const url = together('https://bob:', 'hunter2hunter2@erp.test/\n')

let server: GitServer
let directory: string
let mirrors: Mirrors
let repositories = 0

beforeAll(async () => {
  server = await startGitServer()
  directory = await mkdtemp(join(tmpdir(), 'fairway-scan-'))
  const git = createGit({ home: join(directory, 'home'), protocols: ['http'] })
  mirrors = createMirrors(git, join(directory, 'mirrors'), ['http'], createLoopbackDialer())
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const createRepository = () => server.createRepository(`scanned-${++repositories}.git`)

async function scan(
  repository: TestRepository,
  {
    commit,
    scanned = '',
    ignore = [],
    accept = [],
  }: { commit: string; scanned?: string; ignore?: string[]; accept?: string[] },
  task: RecordedTask = createTask(),
) {
  const work = await mkdtemp(join(directory, 'task-'))
  const source = { url: repository.url, commit, scannedCommit: scanned, ignore, accept }
  const { findings, accepted } = await scanForSecrets(mirrors, source, join(work, 'pushed'), task.context)
  expect(await readdir(work)).toEqual([])
  const plain = findings.map(({ file, line, rule, severity, commit: brought }) => ({
    file,
    line,
    rule,
    severity,
    commit: brought,
  }))
  expect(JSON.stringify([plain, task.lines, task.warnings])).not.toMatch(/wJalrXUtn|xoxb-|MIIEpA|hunter2/)
  const lines = task.lines.map(({ text }) => text)
  return { findings: plain, found: findings, accepted, lines, warnings: task.warnings }
}

test('secrets of a commit’s own files are named by file, line, rule and severity, and never shown', async () => {
  const repository = await createRepository()
  const commit = await repository.commit({
    'sale_x/config.py': `# settings\n\n${aws}`,
    'keys/id_rsa': key,
    'chat.txt': `${slack}\nagain ${slack}\n`,
    'README.md': `see ${url}`,
    'harmless.py': 'password = os.environ["PASSWORD"]\n',
  })
  const { findings, lines } = await scan(repository, { commit })
  expect(findings).toEqual([
    { file: 'keys/id_rsa', line: 1, rule: 'privatekey/PrivateKey', severity: 'critical', commit: '' },
    {
      file: 'sale_x/config.py',
      line: 3,
      rule: 'aws/AWSSecretAccessKey',
      severity: 'critical',
      commit: '',
    },
    { file: 'chat.txt', line: 1, rule: 'slack/SLACK_TOKEN', severity: 'high', commit: '' },
    { file: 'chat.txt', line: 2, rule: 'slack/SLACK_TOKEN', severity: 'high', commit: '' },
    { file: 'README.md', line: 1, rule: 'basicauth/BasicAuth', severity: 'medium', commit: '' },
  ])
  expect(lines).toContain('searched 5 files for secrets, 5 of them anew: 5 found')
})

test('neither configuration nor comments of the repository switch anything off', async () => {
  const repository = await createRepository()
  const commit = await repository.commit({
    'a.py': `# secretlint-disable\n${aws}# secretlint-enable\n`,
    'b.py': `# secretlint-disable-next-line\n${aws}`,
    '.secretlintrc.json': '{"rules": []}',
    '.secretlintignore': '*\n',
    '.gitattributes': '* binary export-ignore\n',
  })
  expect((await scan(repository, { commit })).findings.map(({ file }) => file)).toEqual(['a.py', 'b.py'])
})

test('what was pushed and taken away again is found, by the commit that brought it, once', async () => {
  const repository = await createRepository()
  const scanned = await repository.commit({ 'a.py': 'pass\n', 'old.py': `${aws}` })
  await repository.commit({ 'a.py': 'pass\n' })
  const first = await repository.commit({ 'a.py': 'pass\n', 'keys/id_rsa': key, 'kept.txt': slack })
  await repository.commit({ 'a.py': 'pass\n', 'keys/id_rsa': `${key}# once more\n`, 'kept.txt': slack })
  const commit = await repository.commit({ 'a.py': 'pass\n', 'kept.txt': `now ${slack}` })
  const { findings, lines } = await scan(repository, { commit, scanned })
  expect(findings).toEqual([
    { file: 'keys/id_rsa', line: 1, rule: 'privatekey/PrivateKey', severity: 'critical', commit: first },
    { file: 'kept.txt', line: 1, rule: 'slack/SLACK_TOKEN', severity: 'high', commit: '' },
  ])
  expect(lines).toContainEqual(expect.stringMatching(/in 4 pushed commits: 1 more found/))
  expect((await scan(repository, { commit, scanned: commit })).findings).toHaveLength(1)
})

test('a merge brings what is on its other side', async () => {
  const repository = await createRepository()
  const scanned = await repository.commit({ 'a.py': 'pass\n' })
  await repository.git('checkout', '--quiet', '-b', 'side')
  const brought = await repository.commit({ 'a.py': 'pass\n', 'side.txt': slack }, { branch: 'side' })
  await repository.commit({ 'a.py': 'pass\n', 'more.txt': 'x\n' }, { branch: 'side' })
  await repository.git('checkout', '--quiet', 'main')
  await repository.git('merge', '--quiet', '--no-ff', '-m', 'Merge', 'side')
  await repository.push()
  const commit = await repository.git('rev-parse', 'HEAD')
  expect((await scan(repository, { commit, scanned })).findings).toMatchObject([
    { file: 'side.txt', commit: brought },
  ])
})

test('after a push with force the newest commits are searched, and the log says so', async () => {
  const repository = await createRepository()
  await repository.commit({ 'a.py': 'pass\n' })
  await repository.commit({ 'a.py': 'pass\n', 'key.txt': slack })
  const commit = await repository.commit({ 'a.py': 'pass\n' })
  const { findings, lines } = await scan(repository, { commit, scanned: 'c0ffee'.padEnd(40, '0') })
  expect(findings).toMatchObject([{ file: 'key.txt', severity: 'high' }])
  expect(lines).toContainEqual(expect.stringMatching(/c0ffee0000.*is gone from the repository/))
})

test('what fairway.yaml leaves out is a warning; names that look like something else are only names', async () => {
  const repository = await createRepository()
  const odd = 'f'.repeat(40)
  const commit = await repository.commit({
    'tests/data/.key': slack,
    'tests/data/deep/er.txt': slack,
    [odd]: slack,
    ':100644 x': slack,
    'weird\nname é': slack,
  })
  const { findings, warnings } = await scan(repository, { commit, ignore: ['tests/data/**', 'nothing/*'] })
  expect(findings.map(({ file }) => file)).toEqual([':100644 x', odd, 'weird\nname é'])
  expect(warnings).toEqual([
    'secret_scan.ignore of fairway.yaml left 2 files (tests/data/.key, tests/data/deep/er.txt) out of the search for secrets',
  ])
  const scanned = commit
  const next = await repository.commit({ 'a.py': 'x\n', [`${odd}1`]: `other ${slack}x` })
  await repository.commit({ 'a.py': 'x\n' })
  const last = await repository.git('rev-parse', 'HEAD')
  expect((await scan(repository, { commit: last, scanned })).findings).toMatchObject([
    { file: `${odd}1`, commit: next },
  ])
})

test('binary and huge files, links and submodules are not searched; UTF-16 is', async () => {
  const repository = await createRepository()
  await repository.commit({
    'large.csv': `${slack}\n${'x,'.repeat(600_000)}`,
    'image.bin': `\0\0${slack}`,
  })
  const work = await repository.git('rev-parse', '--show-toplevel')
  await writeFile(join(work, 'wide.txt'), Buffer.from(`\ufeff${slack}`, 'utf16le'))
  await symlink('wide.txt', join(work, 'link.txt'))
  await repository.git('add', '--all')
  await repository.git('commit', '--quiet', '-m', 'More')
  await repository.push()
  const commit = await repository.git('rev-parse', 'HEAD')
  const { findings, lines } = await scan(repository, { commit })
  expect(findings.map(({ file }) => file)).toEqual(['wide.txt'])
  expect(lines).toContain('not searched for secrets: 1 file (large.csv) for being larger than 1024 KiB')
  expect(lines).toContain('not searched for secrets: 1 file (image.bin) for being binary')
})

test('examples and test keys are told apart; what a provider gives out stays as grave wherever it stands', async () => {
  const repository = await createRepository()
  const live = together('sk_live_', '51HqLyjWDarjtT1zdp7dcAbCd')
  const example = together('AKIA', 'IOSFODNN7EXAMPLE')
  const exampleSecret = together('wJalrXUtnFEMI/', 'K7MDENG/bPxRfiCYEXAMPLEKEY')
  const commit = await repository.commit({
    'sale_x/tests/keys.py': `KEY = """${key}"""\n`,
    'sale_x/keys.py': `KEY = """${key}"""\n`,
    'sale_x/tests/test_stripe.py': `KEY = '${live}'\n`,
    'README.rst': `aws_access_key_id=${example}\naws_secret_access_key=${exampleSecret}\n`,
    'sale_x/models.py': `token = '${together('xoxb-', '000000000000-000000000000-xxxxxxxxxxxxxxxxxxxxxxxx')}'\n`,
  })
  const { found } = await scan(repository, { commit })
  const told = found.map(({ file, rule, severity, note }) => [file, rule, severity, note])
  expect(told).toEqual(
    expect.arrayContaining([
      ['sale_x/keys.py', 'privatekey/PrivateKey', 'critical', ''],
      ['sale_x/tests/test_stripe.py', 'stripe/STRIPE_SECRET_KEY_LIVE', 'critical', ''],
      ['sale_x/tests/keys.py', 'privatekey/PrivateKey', 'medium', 'among tests, demo data or documentation'],
    ]),
  )
  const rest = found.filter(({ file }) => file === 'README.rst' || file === 'sale_x/models.py')
  expect(rest.filter(({ severity, note }) => severity !== 'low' || !note.startsWith('an example'))).toEqual(
    [],
  )
})

test('one finding is accepted by its fingerprint, which holds for its rule, value and path alone', async () => {
  const repository = await createRepository()
  const commit = await repository.commit({ 'a.txt': `${slack}\n`, 'b.txt': `${slack}\n` })
  const first = await scan(repository, { commit })
  const fingerprints = first.found.map(({ fingerprint }) => fingerprint)
  expect(new Set(fingerprints).size).toBe(2)
  expect(first.lines).toContain(
    `found a.txt:1 slack/SLACK_TOKEN, high; if it is no secret: secret_scan: { accept: [${fingerprints[0]}] }`,
  )
  const accept = [fingerprints[0]!, 'f'.repeat(32)]
  const moved = await repository.commit({ 'a.txt': `# more\n${slack}\n`, 'b.txt': `${slack}\n` })
  const again = await scan(repository, { commit: moved, accept })
  expect(again.findings.map(({ file }) => file)).toEqual(['b.txt'])
  expect(again.accepted).toMatchObject([{ file: 'a.txt', line: 2, severity: 'high', fingerprint: accept[0] }])
  const other = await repository.commit({ 'a.txt': `${slack}x\n` })
  expect((await scan(repository, { commit: other, accept })).findings).toHaveLength(1)
})

test('a key is known by all of it, however far from its name it stands', async () => {
  const repository = await createRepository()
  const far = (secret: string) => `aws_secret_access_key =${' '.repeat(60)}"${secret}"\n`
  const commit = await repository.commit({ 'a.py': far(awsSecret) })
  const accept = (await scan(repository, { commit })).found.map(({ fingerprint }) => fingerprint)
  const rotated = await repository.commit({ 'a.py': far(awsSecret.replace('zzzzz', 'yyyyy')) })
  expect((await scan(repository, { commit: rotated, accept })).findings).toHaveLength(1)
})

test('of more findings than are listed each can be accepted, and none costs its text the time of a fingerprint', async () => {
  const repository = await createRepository()
  const lines = Array.from({ length: 205 }, (_, index) =>
    together('https://bob:', `hunter2n${index}@erp.test`),
  )
  const commit = await repository.commit({ 'list.txt': `${lines.join('\n')}\n`, 'last.txt': `${lines[0]}\n` })
  const { found, lines: said } = await scan(repository, { commit })
  expect(found).toHaveLength(200)
  expect(found.every(({ fingerprint }) => fingerprint !== '')).toBe(true)
  expect(said).toContain('6 of the secrets found are not listed')
  const last = await fingerprintOf('basicauth/BasicAuth', 'list.txt', lines.at(-1)!)
  const accepted = (await scan(repository, { commit, accept: [last] })).accepted
  expect(accepted).toMatchObject([{ file: 'list.txt', line: 205, fingerprint: last }])
  await using scanner = openScanner(createTask().context.signal)
  expect((await scanner.lint('list.txt', lines.join('\n')))[0]).not.toHaveProperty('fingerprint')
}, 60_000)

test('what was searched before and held nothing is not looked at again; what held something is', async () => {
  const repository = await createRepository()
  const files = { 'a.py': 'pass\n', 'key.txt': slack, 'image.bin': '\0\0' }
  const commit = await repository.commit(files)
  const first = await scan(repository, { commit })
  const next = await repository.commit({ ...files, 'b.py': 'pass  # new\n' })
  const second = await scan(repository, { commit: next })
  expect(first.findings).toEqual(second.findings)
  expect(second.lines).toContain('searched 4 files for secrets, 2 of them anew: 1 found')
  expect(second.lines).toContain('not searched for secrets: 1 file (image.bin) for being binary')
})

test('a text that is not done with in time fails the search', async () => {
  const task = createTask()
  await using scanner = openScanner(task.context.signal, { deadlineMs: 1, memoryMb: 256 })
  const failed = scanner.lint('slow.txt', 'x'.repeat(1_000_000))
  await expect(failed).rejects.toMatchObject({ reason: 'secret-scan-failed' } satisfies Partial<TaskError>)
  await expect(failed).rejects.toThrow(/slow\.txt is not done with within 0\.001 seconds/)
})

test('a list of patterns that takes for ever fails the search, and says what to do', async () => {
  const task = createTask()
  await using scanner = openScanner(task.context.signal, { deadlineMs: 500, memoryMb: 256 })
  const patterns = [`${'*a'.repeat(90)}b`]
  const failed = scanner.leftOut(patterns, ['a'.repeat(900)])
  await expect(failed).rejects.toMatchObject({ reason: 'secret-scan-failed' })
  await expect(failed).rejects.toThrow(/secret_scan\.ignore .*write fewer or simpler patterns/)
})

test('a text that takes too much memory fails the search, and a cancel ends it', async () => {
  const task = createTask()
  await using small = openScanner(task.context.signal, { deadlineMs: 60_000, memoryMb: 8 })
  const text = `${slack} ${url}`.repeat(100_000)
  await expect(small.lint('big.txt', text)).rejects.toMatchObject({ reason: 'secret-scan-failed' })
  await using scanner = openScanner(task.context.signal)
  const asked = scanner.lint('big.txt', text)
  task.abort('cancelled')
  await expect(asked).rejects.toMatchObject({ why: 'cancelled' })
})

test('resolve hands on what was found, of the commit and of those pushed before it', async () => {
  const repository = await createRepository()
  const scannedCommit = await repository.commit(addonFiles)
  const brought = await repository.commit({ ...addonFiles, 'key.pem': key })
  const files = { ...addonFiles, 'chat.txt': slack, 'tests/data/token.txt': slack }
  const commit = await repository.commit({
    ...files,
    'fairway.yaml': 'secret_scan: { ignore: [tests/data/**] }\n',
  })
  const task = createTask()
  const docker = createDockerHost({ agentId: 'test-scan' })
  const services = {
    docker,
    packages: createPackageSources(docker, createTestDialer(docker)),
    mirrors,
    workDirectory: join(directory, 'work'),
  }
  const input = create(ResolveTaskSchema, {
    repositoryUrl: repository.url,
    branch: 'main',
    commit,
    scannedCommit,
    stage: CellStage.STAGING,
    defaultBaseImage: `${registry}/fairway/odoo:19.0`,
    imageRules: ownImages,
    imageRepository: `${registry}/test/shop`,
  })
  const { findings } = await resolve(services)(input, task.context)
  expect(findings).toMatchObject([
    { file: 'key.pem', line: 1, severity: 'critical', commit: brought },
    { file: 'chat.txt', line: 1, severity: 'high', commit: '' },
  ])
  expect(task.warnings).toContainEqual(expect.stringContaining('left 1 file (tests/data/token.txt) out'))
  expect(JSON.stringify([task.lines, [...task.artifacts]])).not.toMatch(/xoxb-|MIIEpA/)
}, 60_000)
