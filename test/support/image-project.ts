import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { followToEnd } from '../../agent/containers/follow.ts'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import {
  type BuildImageOutput,
  type BuildImageTask,
  BuildImageTaskSchema,
  CellStage,
  type ResolveOutput,
  ResolveTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { forgetNames } from './forget-image.ts'
import { startGitServer } from './git-server.ts'
import { createTestServices, ownImages, registry, type TestServices } from './odoo-services.ts'
import { createTask, type RecordedTask } from './task-context.ts'

export const manifestOf = (more = '') =>
  `{'name': 'x', 'version': '19.0.1.0.0', 'license': 'LGPL-3', ${more}}\n`

/** The files of an addon, by path in the repository. */
export const addon = (path: string, more = '', code = ''): Record<string, string> => ({
  [`${path}/__init__.py`]: code,
  [`${path}/__manifest__.py`]: manifestOf(more),
})

type Files = Record<string, string>

/** A project in git whose commits are resolved and built on this machine's Docker, into a repository of its own. */
export async function createImageProject(
  options: {
    registryHost?: string
    credentials?: Files
    /** Beside its git server; default: all of 127.0.0.1. */
    networkAllow?: readonly string[]
    baseImages?: readonly string[]
  } = {},
) {
  const git = await startGitServer()
  const repository = await git.createRepository('shop')
  const networkAllow = options.networkAllow && [...options.networkAllow, new URL(repository.url).host]
  const services: TestServices = await createTestServices({ networkAllow })
  const handlers: TaskHandlers = createTaskHandlers(services)
  const imageRepository = `${options.registryHost ?? registry}/test/images-${randomUUID().slice(0, 8)}`
  // As a policy that names nothing, or these.
  const baseImages = [...(options.baseImages ?? ownImages.baseImages)]
  const imageRules = { registries: ['*'], baseImages }
  const credentials = Object.keys(options.credentials ?? {}).map((name) => ({ name, version: 1 }))

  function newTask(): RecordedTask {
    const task = createTask()
    return { ...task, context: { ...task.context, secrets: async () => options.credentials ?? {} } }
  }

  return {
    services,
    git,
    repository,
    imageRepository,
    newTask,
    handlers,
    /** @param source files of a new commit, or a commit. */
    async resolve(source: Files | string, more: object = {}, task = newTask()): Promise<ResolveOutput> {
      const commit = typeof source === 'string' ? source : await repository.commit(source)
      const input = {
        repositoryUrl: repository.url,
        branch: 'main',
        commit,
        stage: CellStage.DEVELOPMENT,
        defaultBaseImage: `${registry}/fairway/odoo:19.0`,
        imageRepository,
        imageRules,
        credentials,
        ...more,
      }
      return handlers.resolve(create(ResolveTaskSchema, input), task.context)
    },
    build(resolved: ResolveOutput, task = newTask(), more: object = {}): Promise<BuildImageOutput> {
      return handlers.buildImage(this.buildTask(resolved, more), task.context)
    },
    buildTask(resolved: ResolveOutput, more: object = {}): BuildImageTask {
      const { addons, apt, baseImage, commit, imageKey, python, pythonIndex } = resolved
      const input = {
        addons,
        apt,
        baseImage,
        commit,
        credentials,
        imageKey,
        imageRepository,
        imageRules,
        python,
        pythonIndex,
      }
      return create(BuildImageTaskSchema, { ...input, repositoryUrl: repository.url, ...more })
    },
    /** What a command prints in the image. */
    async run(image: string, ...command: string[]): Promise<string> {
      const { docker } = services.docker
      const container = await docker.createContainer({
        Image: image,
        Entrypoint: command,
        HostConfig: { NetworkMode: 'none' },
      })
      try {
        await container.start()
        const lines: string[] = []
        await followToEnd(
          services.docker,
          container.id,
          ({ text }) => lines.push(text),
          AbortSignal.timeout(60_000),
        )
        return lines.join('\n').trim()
      } finally {
        await container.remove({ force: true })
      }
    },
    /** Takes the project's images off this host, and with them what the builder remembers of them; no others. */
    async forgetImages() {
      await forgetNames(services.docker.docker, imageRepository)
    },
    async [Symbol.asyncDispose]() {
      await this.forgetImages()
      await services[Symbol.asyncDispose]()
      await git[Symbol.asyncDispose]()
    },
  }
}

export type ImageProject = Awaited<ReturnType<typeof createImageProject>>
