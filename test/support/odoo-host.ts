import { create } from '@bufbuild/protobuf'
import { DATABASE } from '../../agent/database/names.ts'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import type { TaskInput, TaskKind, TaskResultOf } from '../../agent/tasks/task.ts'
import { ApplyModulesTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { forgetImage } from './forget-image.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { createTestServices, type TestServices } from './odoo-services.ts'
import { withSuperuser } from './superuser.ts'
import { createTask, type RecordedTask } from './task-context.ts'

/** A host with all tasks, and a server of repositories to build from. */
export interface OdooHost extends AsyncDisposable {
  readonly services: TestServices
  readonly handlers: TaskHandlers
  readonly server: GitServer
  run<K extends TaskKind>(kind: K, input: TaskInput<K>, task?: RecordedTask): Promise<TaskResultOf<K>>
  apply(
    input: Partial<TaskInput<'applyModules'>> & { cellId: string; image: string },
    task?: RecordedTask,
  ): Promise<TaskResultOf<'applyModules'>>
  /** What a cell's database answers to us. */
  query<R extends object>(cellId: string, text: string, values?: unknown[]): Promise<R[]>
  /** An image that was built goes with the host. */
  built(image: string): void
}

export async function createOdooHost(): Promise<OdooHost> {
  const services = await createTestServices()
  const handlers = createTaskHandlers(services)
  const server = await startGitServer()
  const images: string[] = []
  const run: OdooHost['run'] = (kind, input, task = createTask()) => handlers[kind](input, task.context)
  return {
    services,
    handlers,
    server,
    run,
    apply: (input, task) => run('applyModules', create(ApplyModulesTaskSchema, input as never), task),
    async query<R extends object>(cellId: string, text: string, values: unknown[] = []) {
      const cell = await services.pool.requireCell(cellId)
      const { rows } = await withSuperuser(cell, (client) => client.query<R>(text, values), {
        database: DATABASE,
      })
      return rows
    },
    built: (image) => void images.push(image),
    async [Symbol.asyncDispose]() {
      const { docker } = services.docker
      const known = await Promise.all(images.map((image) => docker.getImage(image).inspect()))
      await services[Symbol.asyncDispose]()
      for (const image of known) await forgetImage(docker, image)
      await server[Symbol.asyncDispose]()
    },
  }
}
