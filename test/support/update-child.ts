// Updates a cell's modules in a process of its own, to be killed in the middle by crash tests.
// Arguments: pool directory, agent id, work directory, task id, JSON of an ApplyModulesTask.
// Says "updating" once Odoo has said something.
import { fromJsonString } from '@bufbuild/protobuf'
import { createCells } from '../../agent/cells/cells.ts'
import { createDockerHost } from '../../agent/containers/docker.ts'
import { openPool } from '../../agent/storage/create-pool.ts'
import { applyModules } from '../../agent/tasks/apply-modules.ts'
import { ApplyModulesTaskSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { createTask } from './task-context.ts'

const [path = '', agentId = '', workDirectory = '', taskId = '', input = ''] = process.argv.slice(2)
const pool = await openPool(path)
const docker = createDockerHost({ agentId })
const { context } = createTask(taskId)
const { logFrom } = context
await applyModules({ docker, pool, cells: createCells(docker, pool), workDirectory })(
  fromJsonString(ApplyModulesTaskSchema, input),
  {
    ...context,
    logFrom(...line) {
      process.stdout.write('updating\n')
      logFrom(...line)
    },
  },
)
