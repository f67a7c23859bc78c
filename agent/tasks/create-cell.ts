import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import {
  BaseUsedSchema,
  type BaseWanted,
  CreateCellOutputSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { beginWithBase } from '../bases/begin-with-base.ts'
import type { CreateRequest } from '../cells/parts.ts'
import type { AgentServices } from '../services.ts'
import { limitsOf, requireStage } from './cell-input.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'

type Services = Pick<AgentServices, 'cells' | 'pool' | 'poolName' | 'bases'>

/** A new cell: empty, or a copy of a base where the task wants one and the host has it. */
export function createCellTask(services: Services): TaskHandler<'createCell'> {
  return async (input, context) => {
    const stage = requireStage(input.stage)
    const request: CreateRequest = {
      id: input.cellId,
      environmentId: input.environmentId,
      stage,
      postgresImage: input.postgresImage,
      limits: limitsOf(stage, input.resources),
    }
    const { cell, base } = (input.base && (await beginWith(services, request, input.base, context))) ?? {
      cell: await services.cells.create(request, context),
      base: undefined,
    }
    if (!base) context.log('fairway', `empty cell with PostgreSQL ${cell.postgresMajor} is ready`)
    return create(CreateCellOutputSchema, {
      pool: services.poolName,
      postgresImage: cell.postgresImage,
      postgresMajor: cell.postgresMajor,
      ...(base && { base }),
    })
  }
}

async function beginWith(
  services: Services,
  request: CreateRequest,
  wanted: BaseWanted,
  context: TaskContext,
) {
  if (request.stage === 'production')
    throw new TaskError('bad-input', 'a database of production is installed from the beginning')
  const begun = performance.now()
  const found = await beginWithBase(services, request, wanted, wanted.modules, context)
  if (!found) return undefined
  const { cell, base } = found
  const durationMs = Math.round(performance.now() - begun)
  const { id, takenAt, sizeBytes } = base
  const { modules } = base.base
  context.log(
    'fairway',
    `cell with PostgreSQL ${cell.postgresMajor} is ready after ${durationMs} ms: a copy of this host's base ${id}, in which ` +
      `${wanted.image} has installed ${modules.join(', ')}`,
  )
  const used = create(BaseUsedSchema, {
    id,
    modules,
    madeAt: timestampFromDate(new Date(takenAt)),
    durationMs: BigInt(durationMs),
    bytes: BigInt(sizeBytes),
  })
  return { cell, base: used }
}
