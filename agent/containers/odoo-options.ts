import type Docker from 'dockerode'
import type { Variables } from '../../lib/environment/stage-variables.ts'
import { odooMemoryBytes } from '../../lib/tasks/container-memory.ts'
import type { Connection } from '../cells/cells.ts'
import { DATABASE } from '../database/names.ts'
import type { Cell } from '../storage/records.ts'
import type { Secrets } from '../tasks/task.ts'
import { withSecrets } from './container-secrets.ts'
import { withVariables } from './container-variables.ts'
import { hardenedHostConfig } from './docker.ts'
import type { ImageFacts } from './image-facts.ts'
import { memoryOptions } from './memory-options.ts'
import { networkName } from './networks.ts'

export const httpPort = 8069
export const geventPort = 8072

/** Limits as a task gives them; what is missing or zero takes the default. */
export interface Limits {
  memoryBytes: bigint
  milliCpus: number
  maxProcesses: number
}

export interface OdooContainer {
  cell: Cell
  connection: Connection
  /** By digest. */
  image: string
  facts: ImageFacts
  limits: Limits | undefined
  /** Arguments after `odoo`, its subcommand first. */
  arguments: readonly string[]
  /** Processes of Odoo that share the memory; threads of one where nothing is said. */
  processes?: number
  secrets?: Secrets
  /** Plain ones; a secret of the same name goes before one. */
  variables?: Variables
}

/** Options that every use of Odoo on a cell has; a subcommand goes before them. */
export const databaseOptions: readonly string[] = [
  `--database=${DATABASE}`,
  `--db-filter=^${DATABASE}$`,
  '--no-database-list',
  '--data-dir=/var/lib/odoo',
]

/**
 * Where a project says nothing else. glibc reserves 64 MiB of addresses for each of up to 8 arenas a core as threads come,
 * for good, and Odoo's limits count addresses. Odoo does the same for its threaded server (`start` of service/server.py),
 * but not for the processes of its workers.
 */
const defaults: Variables = { MALLOC_ARENA_MAX: '2' }

/**
 * A container of a project's image on a cell: the cell's network and nothing else, the cell's own filestore, the role
 * of the cell's database, and the image's own unprivileged user. What else it writes stays in the container.
 */
export function odooContainer(spec: OdooContainer): Docker.ContainerCreateOptions {
  const { cell, facts, limits } = spec
  const memoryBytes = odooMemoryBytes(Number(limits?.memoryBytes ?? 0))
  const options: Docker.ContainerCreateOptions = {
    Image: spec.image,
    User: `${facts.uid}:${facts.gid}`,
    Cmd: ['odoo', ...spec.arguments, ...memoryOptions(memoryBytes, spec.processes ?? 'threads')],
    Env: credentials(spec.connection),
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...hardenedHostConfig({
        memoryBytes,
        milliCpus: limits?.milliCpus ?? 0,
        maxProcesses: limits?.maxProcesses || 512,
        production: cell.stage === 'production',
      }),
      NetworkMode: networkName(cell.id),
      Mounts: [{ Type: 'bind', Source: cell.paths.filestore, Target: `/var/lib/odoo/filestore/${DATABASE}` }],
    },
  }
  return withVariables(withSecrets(options, spec.secrets ?? {}), { ...defaults, ...spec.variables })
}

/** Both ways in which images are told: those of the official image, and libpq's, which `docker exec psql` uses. */
function credentials({ host, port, user, password, database }: Connection): string[] {
  const settings = {
    HOST: host,
    PORT: port,
    USER: user,
    PASSWORD: password,
    PGHOST: host,
    PGPORT: port,
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
  }
  return Object.entries(settings).map(([name, value]) => `${name}=${value}`)
}
