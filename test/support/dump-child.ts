// Dumps a cell in a process of its own, to be killed in the middle. Arguments: pool directory, agent id, cell, dump.
import { createCells } from '../../agent/cells/cells.ts'
import { createDockerHost } from '../../agent/containers/docker.ts'
import { openPool } from '../../agent/storage/create-pool.ts'
import { createTask } from './task-context.ts'

const [path = '', agentId = '', cellId = '', id = ''] = process.argv.slice(2)
const pool = await openPool(path)
const cells = createCells(createDockerHost({ agentId, networkRange: '10.214.0.0/16' }), pool)
await cells.dump({ id, cellId }, createTask().context)
