import type { Cells } from './cells/cells.ts'
import type { DockerHost } from './containers/docker.ts'
import type { Pool } from './storage/pool.ts'

/** What tasks are given to work with; a task names the ones it needs (`Pick<AgentServices, 'cells'>`). */
export interface AgentServices {
  readonly agentId: string
  readonly docker: DockerHost
  readonly pool: Pool
  /** The pool's name in the inventory. */
  readonly poolName: string
  readonly cells: Cells
}
