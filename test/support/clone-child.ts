// Clones a cell or snapshot in a process of its own, to be killed in the middle by crash tests.
// Arguments: pool directory, agent id, reserve, JSON of a CloneRequest. Says "begin" right before it starts.
import { createCells } from '../../agent/cells/cells.ts'
import { createDockerHost } from '../../agent/containers/docker.ts'
import { openPool } from '../../agent/storage/create-pool.ts'
import { createStep } from './storage.ts'

const [path = '', agentId = '', reserveBytes = '', request = ''] = process.argv.slice(2)
const pool = await openPool(path, { reserveBytes: Number(reserveBytes) })
const cells = createCells(createDockerHost({ agentId, networkRange: '10.214.0.0/16' }), pool)
process.stdout.write('begin\n')
await cells.clone(JSON.parse(request), createStep())
process.stdout.write('end\n')
