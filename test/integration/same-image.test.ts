import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { toJsonString } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import {
  type BuildImageOutput,
  type BuildImageTask,
  BuildImageTaskSchema,
  CellStage,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'
import { createTestServices, type TestServices } from '../support/odoo-services.ts'

// One key is one image, whoever builds it from whichever commit, also at the same time.

let project: ImageProject
let elsewhere: TestServices
let handlersElsewhere: TaskHandlers

beforeAll(async () => {
  project = await createImageProject()
  elsewhere = await createTestServices()
  handlersElsewhere = createTaskHandlers(elsewhere)
}, 120_000)

afterAll(async () => {
  await elsewhere?.[Symbol.asyncDispose]()
  await project?.[Symbol.asyncDispose]()
}, 60_000)

const files = (code: string) => ({ ...addon('shop', '', code), ...addon('shop_more') })

test('of two builds on a host one makes the image, and the other says for whom it waits', async () => {
  const yaml = 'production: { modules: [shop] }\ndevelopment: { modules: [shop_more] }\n'
  const development = await project.resolve({ ...files('same_host = True\n'), 'fairway.yaml': yaml })
  const production = await project.resolve(development.commit, { stage: CellStage.PRODUCTION })
  // They install other modules of the same image.
  expect(production.lockSha256).not.toBe(development.lockSha256)
  const tasks = [project.newTask(), project.newTask()] as const
  const built = await Promise.all([project.build(development, tasks[0]), project.build(production, tasks[1])])
  expect(built.map(({ built }) => built).sort()).toEqual([false, true])
  expect(built[0].digest).toBe(built[1].digest)
  const waiting = tasks[built.findIndex((one) => !one.built)]!.lines.map(({ text }) => text)
  expect(waiting).toContain('waits for run run, which makes the same image on this host just now')
  for (const { text } of tasks.flatMap(({ lines }) => lines)) {
    expect(text).not.toContain(project.services.directory)
  }
}, 120_000)

test('of two hosts the one that comes last takes the image of the first', async () => {
  const resolved = await project.resolve(files('two_hosts = True\n'))
  const second = project.newTask()
  let first: BuildImageOutput | undefined
  const context = {
    ...second.context,
    // The other host is done while this one is about to put its own there.
    requireLease: async () => {
      first ??= await project.build(resolved)
    },
  }
  const taken = await handlersElsewhere.buildImage(project.buildTask(resolved), context)
  expect(first).toMatchObject({ built: true })
  expect(taken).toMatchObject({ built: false, digest: first?.digest })
  expect(second.lines.map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^another host was first/),
  )
  // Who wants one of their own gets it, and it is the same.
  expect(await project.build(resolved, project.newTask(), { anew: true })).toMatchObject({
    built: true,
    digest: first?.digest,
  })
}, 120_000)

test('two agents that build two commits of the same contents at the same time come to one digest', async () => {
  const code = 'two_agents = True\n'
  const one = await project.resolve({ ...files(code), 'README.md': 'one' })
  const other = await project.resolve({ ...files(code), 'README.md': 'other' })
  expect(other.commit).not.toBe(one.commit)
  expect(other.imageKey).toBe(one.imageKey)
  // What servers of before, or of a renamed project, would say of it changes nothing.
  const labels = { 'org.opencontainers.image.revision': other.commit, 'dev.fairway.project': 'former' }
  const children = [project.buildTask(one), project.buildTask(other, { labels })].map(startBuild)
  for (const { ready } of children) await ready
  for (const { child } of children) child.stdin?.write('go\n')
  const ended = await Promise.all(children.map(({ outcome }) => outcome))
  expect(ended.some(({ built }) => built)).toBe(true)
  expect(ended[0]?.digest).toMatch(/^sha256:/)
  expect(ended[1]?.digest).toBe(ended[0]?.digest)
}, 240_000)

test('an addon that moves to another repository makes another layer, and so has another key', async () => {
  const before = await project.resolve(files('moved = True\n'))
  const own = await project.git.createRepository('moved')
  const commit = await own.commit(addon('shop', '', 'moved = True\n'))
  await project.repository.commit({
    '.gitmodules': `[submodule "oca"]\n\tpath = oca\n\turl = ${project.git.url}/moved\n`,
    ...addon('shop_more'),
  })
  await project.repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},oca`)
  await project.repository.git('commit', '--quiet', '-m', 'Move shop')
  await project.repository.push()
  const after = await project.resolve(await project.repository.git('rev-parse', 'HEAD'))
  const trees = ({ addons }: typeof after) => addons.map(({ name, treeId }) => `${name} ${treeId}`).sort()
  expect(trees(after)).toEqual(trees(before))
  expect(after.imageKey).not.toBe(before.imageKey)
}, 60_000)

function startBuild(task: BuildImageTask) {
  const script = fileURLToPath(new URL('../support/image-child.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [script, toJsonString(BuildImageTaskSchema, task)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const said: string[] = []
  child.stdout?.setEncoding('utf8').on('data', (text: string) => said.push(text))
  const ended = once(child, 'close')
  const ready = Promise.race([once(child.stdout!, 'data'), ended])
  const outcome = ended.then(([code]) => {
    if (code !== 0) throw new Error(`the other agent ended with ${code}`)
    return JSON.parse(said.join('').replace('ready\n', '')) as { digest: string; built: boolean }
  })
  return { child, ready, outcome }
}
