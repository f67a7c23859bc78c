import type { Bases } from './bases/bases.ts'
import type { Cells } from './cells/cells.ts'
import type { DockerHost } from './containers/docker.ts'
import type { HttpProxy } from './containers/proxy.ts'
import type { Dialer } from './egress/dial.ts'
import type { Mirrors } from './git/mirrors.ts'
import type { PackageSources } from './packages/package-sources.ts'
import type { Pool } from './storage/pool.ts'

/** What tasks are given to work with; a task names the ones it needs (`Pick<AgentServices, 'cells'>`). */
export interface AgentServices {
  readonly agentId: string
  readonly docker: DockerHost
  readonly pool: Pool
  /** The pool's name in the inventory. */
  readonly poolName: string
  readonly cells: Cells
  /** What new databases of a base image begin with. */
  readonly bases: Bases
  /** The checked way out, for what repositories and builds name. */
  readonly dialer: Dialer
  /** Repositories that were fetched. */
  readonly mirrors: Mirrors
  readonly proxy: HttpProxy
  /** The way of builds to Debian's and Python's packages. */
  readonly packages: PackageSources
  /** For what can be made again: mirrors, facts about images, directories of running tasks. */
  readonly workDirectory: string
}
