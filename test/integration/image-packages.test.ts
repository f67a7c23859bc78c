import { afterAll, beforeAll, expect, test } from 'vitest'
import { forgetNames } from '../support/forget-image.ts'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'
import { type PythonIndex, startPythonIndex } from '../support/python-index.ts'
import { startRegistry } from '../support/registry.ts'

// From requirements and manifests to what can be imported and run in the image.

let project: ImageProject
let index: PythonIndex

beforeAll(async () => {
  project = await createImageProject()
  index = await startPythonIndex()
  index.addWheel('fw-alpha', '1.0', { requires: ['fw-beta<3'] })
  index.addWheel('fw-beta', '2.0')
  index.addWheel('fw-beta', '2.1')
  index.addWheel('fw-beta', '3.0')
  index.addWheel('fw-eager', '1.0', { requires: ['fw-beta>=3'] })
  await index.addSource('fwsource', '1.0')
}, 120_000)

afterAll(async () => {
  await index?.[Symbol.asyncDispose]()
  await project?.[Symbol.asyncDispose]()
}, 60_000)

const yaml = (more = '') => `python: { index: ${index.url} }\n${more}`
const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => ({ reason: error.reason, message: error.message }),
  )

test('packages are pinned, installed by hash, and there', async () => {
  const files = {
    'fairway.yaml': yaml(),
    'requirements.txt': '# ours\nfw-alpha>=1  # the first\n-r more.txt\nlxml\n',
    'more.txt': 'fwsource==1.0\n',
    ...addon('a', "'external_dependencies': {'python': ['ldap', 'lxml', 'fw_beta'], 'bin': ['psql']}"),
    ...addon(
      'unused',
      "'installable': False, 'external_dependencies': {'python': ['nowhere'], 'bin': ['nowhere']}",
    ),
  }
  const resolved = await project.resolve(files)
  expect(resolved.python).toMatchObject([
    { name: 'fw-alpha', version: '1.0', askedBy: ['requirements.txt:2 fw-alpha>=1'] },
    { name: 'fw-beta', version: '2.1', askedBy: ['a/__manifest__.py fw_beta'] },
    { name: 'fwsource', version: '1.0', askedBy: ['more.txt:1 fwsource==1.0'] },
  ])
  expect(resolved.python.every(({ hashes }) => /^sha256:[0-9a-f]{64}$/.test(hashes[0]!))).toBe(true)
  const asked = index.requests.length
  expect(await project.resolve(files)).toMatchObject({ imageKey: resolved.imageKey })
  expect(index.requests.length).toBe(asked)

  const image = await project.build(resolved)
  const script =
    'import fw_alpha, fw_beta, fwsource, os; print(fw_alpha.version, fw_beta.version, fwsource.version, os.getuid(), fw_beta.__cached__)'
  expect(await project.run(image.reference, 'python3', '-c', script)).toMatch(
    /^1\.0 2\.1 1\.0 101 \/usr\/local\/lib\/python3.*\.pyc$/,
  )
  expect(
    await project.run(
      image.reference,
      'sh',
      '-c',
      'ls /usr/local/lib/python3*/dist-packages/__pycache__ | wc -l; find /usr/local /tmp /work -name "*.whl" 2>/dev/null | wc -l',
    ),
  ).toMatch(/^[1-9]\d*\r?\n0$/)
}, 180_000)

test('who asks for what does not fit, or does not exist, is named', async () => {
  const conflict = {
    'fairway.yaml': yaml(),
    'requirements.txt': 'fw-alpha\nfw-eager\n',
    ...addon('a', "'external_dependencies': {'python': ['fw-eager']}"),
  }
  expect(await reasonOf(project.resolve(conflict))).toEqual({
    reason: 'python-conflict',
    message: expect.stringMatching(
      /fw-alpha 1\.0 depends on fw-beta<3 \(requirements\.txt:1 fw-alpha\).*fw-eager 1\.0 depends on fw-beta>=3 \(requirements\.txt:2 fw-eager\)/,
    ),
  })
  const missing = { ...conflict, 'requirements.txt': 'fw-nowhere\n' }
  expect(await reasonOf(project.resolve(missing))).toEqual({
    reason: 'python-missing',
    message: expect.stringMatching(
      /no Python package fw-nowhere: .*asked for by requirements\.txt:1 fw-nowhere/,
    ),
  })
  const version = { ...conflict, 'requirements.txt': 'fw-beta>9\n' }
  expect(await reasonOf(project.resolve(version))).toEqual({
    reason: 'python-missing',
    message: expect.stringMatching(/fw-beta>9: the index has only 2\.0, 2\.1, 3\.0.*requirements\.txt:1/),
  })
  const hash = {
    ...conflict,
    'requirements.txt': `fw-alpha==1.0 --hash=sha256:${'0'.repeat(64)}\n`,
    ...addon('a'),
  }
  expect(await reasonOf(project.resolve(hash))).toMatchObject({ reason: 'python-hash-mismatch' })
  const nobody = { ...conflict, 'fairway.yaml': 'python: { index: "http://127.0.0.1:9/simple" }\n' }
  expect(await reasonOf(project.resolve(nobody))).toMatchObject({ reason: 'python-index-unavailable' })
}, 180_000)

test('programs come from Debian packages, and what is missing is named with who needs it', async () => {
  const files = {
    ...addon('a', "'depends': ['b']"),
    ...addon('b', "'external_dependencies': {'bin': ['hello'], 'python': ['xmlsec']}"),
    // One image serves all stages.
    'fairway.yaml': ['production', 'staging', 'development']
      .map((stage) => `${stage}: { modules: [a] }\n`)
      .join(''),
  }
  expect(await reasonOf(project.resolve(files))).toEqual({
    reason: 'binary-missing',
    message: expect.stringMatching(/"hello" \(b\/__manifest__\.py; needed by a → b\).*apt: \[/),
  })
  const unknown = { ...files, 'fairway.yaml': 'apt: [hello, no-such-package-anywhere]\n' }
  expect(await reasonOf(project.resolve(unknown))).toEqual({
    reason: 'apt-missing',
    message: expect.stringContaining('have no no-such-package-anywhere:'),
  })
  const resolved = await project.resolve({
    ...files,
    'fairway.yaml': 'apt: [python3-xmlsec]\n',
    // Doodba's list comes to the same.
    'odoo/custom/dependencies/apt.txt': '# for greetings\nhello\n',
  })
  expect(resolved.python).toEqual([])
  expect(resolved.apt.map(({ name }) => name)).toEqual(expect.arrayContaining(['hello', 'python3-xmlsec']))
  const image = await project.build(resolved)
  expect(
    await project.run(image.reference, 'sh', '-c', 'hello; id -un; ls /var/lib/apt/lists | wc -l'),
  ).toMatch(/^Hello, world!\s+odoo\s+0$/)
  const copy = { imageRepository: `${project.imageRepository}-again` }
  expect((await project.build(resolved, project.newTask(), copy)).digest).toBe(image.digest)
}, 240_000)

test.each<{ packages: string; more: Record<string, string> }>([
  { packages: 'Debian packages', more: {} },
  { packages: 'Debian and Python packages', more: { 'requirements.txt': 'fw-beta==2.1\n' } },
])(
  'who only compares has $packages anew, and puts them under no name that anybody goes by',
  async ({ more }) => {
    const resolved = await project.resolve({ 'fairway.yaml': yaml('apt: [hello]\n'), ...addon('a'), ...more })
    const image = await project.build(resolved)
    await using elsewhere = await startRegistry()
    const imageRepository = `${elsewhere.host}/other/shop`
    const compared = { imageRepository, reproduce: true }
    expect(await project.build(resolved, project.newTask(), compared)).toMatchObject({
      reproduced: true,
      digest: image.digest,
    })
    const response = await fetch(`http://${elsewhere.host}/v2/other/shop/tags/list`)
    const { tags = [] } = (await response.json()) as { tags?: string[] }
    // pip ran in an image that Docker had from there.
    expect(tags).toEqual('requirements.txt' in more ? [expect.stringMatching(/^made-\d+-[0-9a-f]{12}$/)] : [])
    await forgetNames(project.services.docker.docker, imageRepository)
  },
  240_000,
)

test('a task that was killed in the middle is done anew, and leaves nothing', async () => {
  const { docker, agentId } = project.services.docker
  const files = { 'fairway.yaml': yaml(), 'requirements.txt': 'fw-beta==2.0\n', ...addon('a') }
  const label = [`fairway.agent=${agentId}`, 'fairway.role=task']
  const containers = () => docker.listContainers({ all: true, filters: { label } })
  const task = project.newTask()
  const resolved = await project.resolve(files)
  // What kill -9 leaves: a container of the task that still runs.
  const orphan = await docker.createContainer({
    Image: resolved.baseImage,
    Entrypoint: ['sleep', '600'],
    Labels: {
      'fairway.agent': agentId,
      'fairway.role': 'task',
      'fairway.task': task.context.taskId,
      'fairway.epoch': '1',
    },
  })
  await orphan.start()
  const interrupted = { ...task.context, log: () => task.abort('shutdown') }
  await expect(project.build(resolved, { ...task, context: interrupted })).rejects.toThrow('shutdown')
  const again = task.resume()
  const image = await project.build(resolved, again)
  expect(image.built).toBe(true)
  expect(await project.run(image.reference, 'python3', '-c', 'import fw_beta; print(fw_beta.version)')).toBe(
    '2.0',
  )
  expect(await containers()).toEqual([])
}, 120_000)
