// Puts a snapshot back in a process of its own, to be killed in the middle by crash tests.
// Arguments: pool directory, agent id, cell id, snapshot id, at which question for its lease it stands still.
// Says "standing" there, and "end" where it comes to its end.
import { createCells } from '../../agent/cells/cells.ts'
import { createDockerHost } from '../../agent/containers/docker.ts'
import { openPool } from '../../agent/storage/create-pool.ts'
import { createStep } from './storage.ts'

const [path = '', agentId = '', cellId = '', snapshotId = '', at = ''] = process.argv.slice(2)
const cells = createCells(createDockerHost({ agentId, networkRange: '10.214.0.0/16' }), await openPool(path))
let asked = 0
await cells.restore(cellId, snapshotId, {
  ...createStep(),
  async requireLease() {
    if (++asked !== Number(at)) return
    process.stdout.write('standing\n')
    // A timer keeps the process.
    await new Promise(() => setInterval(() => undefined, 60_000))
  },
})
process.stdout.write('end\n')
