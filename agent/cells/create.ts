import { describePostgresImage, initializeCluster } from '../containers/postgres-image.ts'
import { createPassword } from '../containers/scram.ts'
import { writeAccessRules } from '../database/access-rules.ts'
import type { Cell, CellRecord } from '../storage/records.ts'
import type { CellParts, CreateRequest, Step } from './parts.ts'
import { startCell } from './start.ts'

export async function createCell(parts: CellParts, request: CreateRequest, step: Step): Promise<Cell> {
  const { host, pool, withLock } = parts
  const { signal } = step
  return withLock(request.id, signal, async () => {
    const existing = await pool.findCell(request.id)
    if (existing) return startCell(parts, existing, signal)
    const image = await describePostgresImage(host, request.postgresImage, signal)
    const record: CellRecord = {
      version: 1,
      id: request.id,
      environmentId: request.environmentId,
      stage: request.stage,
      postgresImage: image.reference,
      postgresMajor: image.major,
      postgresUid: image.uid,
      postgresGid: image.gid,
      ...request.limits,
      epoch: step.epoch,
      createdAt: new Date().toISOString(),
      sealed: false,
      neutrality: { state: 'free' },
      ...(request.throwaway && { throwaway: true }),
    }
    const cell = await pool.createCell(record, { odooPassword: createPassword() }, async (dataDir) => {
      await initializeCluster(host, image, dataDir, signal)
      await writeAccessRules(dataDir, image)
    })
    return startCell(parts, cell, signal)
  })
}
