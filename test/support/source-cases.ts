import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { createTaskHandlers } from '../../agent/tasks/registry.ts'
import type { TaskContext } from '../../agent/tasks/task.ts'
import {
  CellStage,
  type ResolveOutput,
  type ResolveTask,
  ResolveTaskSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { startGitServer, type TestRepository } from './git-server.ts'
import { createTestServices, ownImages, registry } from './odoo-services.ts'
import { placeCopy } from './owned-repository.ts'
import { createTask } from './task-context.ts'

export const addon = (path: string, depends: string[] = [], more = '') => ({
  [`${path}/__init__.py`]: '',
  [`${path}/__manifest__.py`]: `{'name': 'x', 'depends': ${JSON.stringify(depends)}, ${more}}\n`,
})

export const names = (output: ResolveOutput) => output.addons.map(({ name, source }) => `${source}:${name}`)

export interface Resolved {
  output: ResolveOutput
  warnings: string[]
  lock: string
  document: Record<string, never[]>
}

export type SourceCases = Awaited<ReturnType<typeof createSourceCases>>

/** Projects whose addons are in other repositories, each with an organization of its own that stands for OCA. */
export async function createSourceCases() {
  const server = await startGitServer()
  const paths = await mkdtemp(join(tmpdir(), 'fairway-paths-'))
  await chmod(paths, 0o755)
  const services = await createTestServices({ gitRoots: [paths] })
  const handlers = createTaskHandlers(services)
  let counter = 0
  let prefix = ''

  return {
    services,
    handlers,
    /** Of the case at hand: what its repositories are called by, and their addresses begin with. */
    get prefix() {
      return prefix
    },
    get url() {
      return `${server.url}/${prefix}`
    },

    /** The address of the case's repository by its path on the host, where it was put. */
    pathOf: (name: string) => `file://${paths}/${prefix}${name}`,

    /** The case's repository as it is now, put on the host as somebody's own. */
    async place(name: string): Promise<{ url: string }> {
      await placeCopy(join(server.directory, prefix + name), join(paths, prefix + name))
      return { url: this.pathOf(name) }
    },

    /** A new case, and its project. */
    start(): Promise<TestRepository> {
      prefix = `case-${++counter}-`
      return server.createRepository(`${prefix}project`)
    },

    /** The repository that OCA's `name` is in this case, with a branch for the series. */
    async createOca(name: string, files: Record<string, string>): Promise<TestRepository> {
      const repository = await server.createRepository(prefix + name)
      await repository.commit(files, { branch: '19.0' })
      return repository
    },

    /** A project's files whose default address leads to the repositories of its own case. */
    oca: (...lines: string[]) => ({
      'fairway.yaml': `sources:\n  oca: ${server.url}/${prefix}{}\n`,
      'oca_dependencies.txt': `${lines.join('\n')}\n`,
    }),

    async resolve(
      { url }: { url: string },
      input: Partial<ResolveTask> = {},
      context: Partial<TaskContext> = {},
    ): Promise<Resolved> {
      const task = createTask()
      const spec = create(ResolveTaskSchema, {
        repositoryUrl: url,
        branch: 'main',
        stage: CellStage.DEVELOPMENT,
        odooVersion: '19.0',
        defaultBaseImage: `${registry}/fairway/odoo:19.0`,
        imageRules: ownImages,
        ...(input as object),
      })
      const output = await handlers.resolve(spec, { ...task.context, ...context })
      const lock = task.artifacts.get('lock.json') ?? ''
      return { output, warnings: task.warnings, lock, document: JSON.parse(lock) }
    },

    async [Symbol.asyncDispose]() {
      await services[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await rm(paths, { recursive: true, force: true })
    },
  }
}
