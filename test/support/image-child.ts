// Builds an image as another host's agent does: with services and a process of its own. Argument: JSON of a BuildImageTask.
// Begins once it is told to, and says in the end what came out.
import { once } from 'node:events'
import { fromJsonString } from '@bufbuild/protobuf'
import { createTaskHandlers, type TaskHandlers } from '../../agent/tasks/registry.ts'
import { BuildImageTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createTestServices } from './odoo-services.ts'
import { createTask } from './task-context.ts'

const input = fromJsonString(BuildImageTaskSchema, process.argv[2] ?? '')
const services = await createTestServices()
const handlers: TaskHandlers = createTaskHandlers(services)
try {
  process.stdout.write('ready\n')
  await once(process.stdin, 'data')
  const { digest, built } = await handlers.buildImage(input, createTask().context)
  process.stdout.write(JSON.stringify({ digest, built }))
} finally {
  process.stdin.destroy()
  await services[Symbol.asyncDispose]()
}
