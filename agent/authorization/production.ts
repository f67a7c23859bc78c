import { type KindsThat, taskKinds } from '../../lib/tasks/task-kinds.ts'
import { CellStage } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { findContainer, listContainers } from '../containers/docker.ts'
import { runtimeName } from '../containers/odoo.ts'
import type { AgentServices } from '../services.ts'
import type { Snapshot } from '../storage/layout.ts'
import { neutralityOf } from '../storage/neutrality.ts'
import { type Cell, parseId } from '../storage/records.ts'
import type { TaskInput, TaskKind } from '../tasks/task.ts'

/** Something of production on this host: an authorization has to name its environment and one of the cells. */
export interface ProductionPart {
  readonly environmentId: string
  readonly cells: readonly string[]
}

export type HostRecords = Pick<AgentServices, 'pool' | 'docker' | 'proxy'>

type Rule<K extends TaskKind> = (records: HostRecords, input: TaskInput<K>) => Promise<ProductionPart[]>

/** Those that may do something to production, by their definition. */
type GuardedKind = KindsThat<'changes' | 'never'>

/**
 * What of production each of those would destroy or change. It is decided by what this host has on record, never by
 * what the task says of itself: a task may lie about a stage, borrow a production runtime's id, or name production's
 * environment for a cell of another. Whatever cannot be told apart from production counts as production.
 *
 * Tasks that only read (snapshots, dumps, clones *of* production) are free; so is making an environment's first
 * production cell, since there is nothing to lose yet. A clone of production's data that is to be production again is
 * not: it would bear no mark that it is not yet neutral.
 */
const rules: { readonly [K in GuardedKind]: Rule<K> } = {
  createCell: (records, { environmentId, cellId }) => ofEnvironment(records, environmentId, cellId),
  cloneCell: async (records, { environmentId, cellId, stage, source }) => [
    ...(await ofEnvironment(records, environmentId, cellId)),
    ...(stage === CellStage.PRODUCTION ? await ofSource(records, source) : []),
  ],
  applyModules: (records, { cellId }) => ofCell(records, cellId),
  neutralize: (records, { cellId }) => ofCell(records, cellId),
  restoreCell: (records, { cellId }) => ofCell(records, cellId),
  destroyCell: (records, { cellId }) => ofCell(records, cellId),
  async destroySnapshot({ pool }, { snapshotId }) {
    const snapshot = await pool.findSnapshot(snapshotId)
    return snapshot?.stage === 'production'
      ? [{ environmentId: snapshot.environmentId, cells: [snapshot.cellId] }]
      : []
  },
  async startRuntime(records, { runtime }) {
    if (!runtime) return []
    return [
      ...(await ofCell(records, runtime.cellId)),
      ...(await ofEnvironment(records, runtime.environmentId)),
      ...(await ofRuntime(records, runtime.runtimeId)),
    ]
  },
  stopRuntime: async (records, { runtimeId, stopCellId }) => [
    ...(await ofRuntime(records, runtimeId)),
    ...(await ofCell(records, stopCellId)),
  ],
  async switchRoute(records, { environmentId, target }) {
    const routes = await records.proxy.listRoutes()
    const routed = routes.filter((route) => same(route.environmentId, environmentId))
    const cells = routed.flatMap((route) => (route.target.kind === 'runtime' ? [route.target.cellId] : []))
    return [
      ...(await ofEnvironment(records, environmentId)),
      ...(await Promise.all(cells.map((cell) => ofCell(records, cell)))).flat(),
      ...(target.case === 'runtimeId' ? await ofRuntime(records, target.value) : []),
    ]
  },
}

/** Empty: the task touches nothing of production. Undefined: nobody has thought about tasks of that kind. */
export function productionIn<K extends TaskKind>(
  records: HostRecords,
  kind: K,
  input: TaskInput<K>,
): Promise<ProductionPart[]> | undefined {
  if (!Object.hasOwn(taskKinds, kind)) return undefined
  const ruleOf: { readonly [K in TaskKind]?: Rule<K> } = rules
  return ruleOf[kind]?.(records, input) ?? Promise.resolve([])
}

async function ofCell({ pool, docker }: HostRecords, cellId: string): Promise<ProductionPart[]> {
  if (!cellId) return []
  const cell = await pool.findCell(cellId)
  if (cell) {
    return cell.stage === 'production' ? [{ environmentId: cell.environmentId, cells: [cell.id] }] : []
  }
  // Containers of a cell whose record is gone: nobody can say any more what they are.
  const containers = await listContainers(docker, { cell: parseId(cellId) })
  return containers.map(({ Labels }) => unknownPart(Labels))
}

/** The production cells of an environment, but for the one that the task itself makes. */
async function ofEnvironment(
  { pool }: HostRecords,
  environmentId: string,
  except = '',
): Promise<ProductionPart[]> {
  const cells = (await pool.listCells())
    .filter((cell) => cell.stage === 'production' && same(cell.environmentId, environmentId))
    .filter((cell) => !same(cell.id, except))
  return cells.length > 0
    ? [{ environmentId: environmentId.toLowerCase(), cells: cells.map(({ id }) => id) }]
    : []
}

/** Where a clone's data are from, when they are production's, or ever were. */
async function ofSource(
  { pool }: HostRecords,
  source: TaskInput<'cloneCell'>['source'],
): Promise<ProductionPart[]> {
  if (!source.case || !source.value) return []
  if (source.case === 'sourceCellId') {
    const cell = await pool.findCell(source.value)
    return cell && holdsProduction(cell) ? [{ environmentId: cell.environmentId, cells: [cell.id] }] : []
  }
  const snapshot = await pool.findSnapshot(source.value)
  return snapshot && holdsProduction(snapshot)
    ? [{ environmentId: snapshot.environmentId, cells: [snapshot.cellId] }]
    : []
}

const holdsProduction = (content: Cell | Snapshot) =>
  content.stage === 'production' || neutralityOf(content).state !== 'free'

/** By the cell of the container that has the runtime's name, whatever the task says about it. */
async function ofRuntime(records: HostRecords, runtimeId: string): Promise<ProductionPart[]> {
  if (!runtimeId) return []
  const container = await findContainer(records.docker, runtimeName(runtimeId))
  if (!container) return []
  const { Labels } = container.Config
  const cellId = Labels['fairway.cell']
  const known = cellId && (await records.pool.findCell(cellId))
  return known ? ofCell(records, cellId) : [unknownPart(Labels)]
}

const unknownPart = (labels: Record<string, string>): ProductionPart => ({
  environmentId: labels['fairway.environment'] ?? '',
  cells: [labels['fairway.cell'] ?? ''],
})

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
