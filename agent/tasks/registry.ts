import type { AgentServices } from '../services.ts'
import { createAloneOnCell } from './alone-on-cell.ts'
import { applyModules } from './apply-modules.ts'
import { buildImage } from './build-image.ts'
import { checkRoomTask } from './check-room.ts'
import { cloneCellTask } from './clone-cell.ts'
import { collectImages } from './collect-images.ts'
import { createCellTask } from './create-cell.ts'
import { destroyCellTask } from './destroy-cell.ts'
import { destroySnapshotTask } from './destroy-snapshot.ts'
import { dumpCellTask } from './dump-cell.ts'
import { fetchImage } from './fetch-image.ts'
import { inspectCellTask } from './inspect-cell.ts'
import { withoutLeftovers } from './leftovers.ts'
import { neutralize } from './neutralize.ts'
import { resolve } from './resolve.ts'
import { restoreCellTask } from './restore-cell.ts'
import { smoke } from './smoke.ts'
import { snapshotCellTask } from './snapshot-cell.ts'
import { startRuntime } from './start-runtime.ts'
import { stopRuntime } from './stop-runtime.ts'
import { switchRoute } from './switch-route.ts'
import type { TaskHandler, TaskKind } from './task.ts'

/** A handler for every kind of task; a kind without one does not compile. */
export type TaskHandlers = { readonly [K in TaskKind]: TaskHandler<K> }

export function createTaskHandlers(services: AgentServices): TaskHandlers {
  const alone = createAloneOnCell()
  return {
    resolve: resolve(services),
    buildImage: buildImage(services),
    createCell: createCellTask(services),
    cloneCell: cloneCellTask(services),
    snapshotCell: snapshotCellTask(services),
    checkRoom: checkRoomTask(services),
    restoreCell: alone('restoreCell', restoreCellTask(services)),
    destroyCell: destroyCellTask(services),
    destroySnapshot: destroySnapshotTask(services),
    dumpCell: dumpCellTask(services),
    applyModules: withoutLeftovers(services, alone('applyModules', applyModules(services))),
    neutralize: withoutLeftovers(services, alone('neutralize', neutralize(services))),
    startRuntime: alone('startRuntime', startRuntime(services)),
    stopRuntime: stopRuntime(services),
    smoke: smoke(services),
    switchRoute: switchRoute(services),
    inspectCell: inspectCellTask(services),
    collectImages: collectImages(services),
    fetchImage: fetchImage(services),
  }
}
