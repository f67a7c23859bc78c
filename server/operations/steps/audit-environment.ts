import { audit } from '../../db/audit.ts'
import type { Engine } from '../../runs/replay.ts'

/**
 * Writes what a run did to its environment into the audit log, for whom and in which build; belongs into the `once` of
 * the change itself.
 */
export async function auditEnvironment(
  { state: { tx, op, run, environment } }: Engine,
  action: string,
  facts: Record<string, unknown> = {},
): Promise<void> {
  await audit(
    tx,
    op,
    action,
    { kind: 'environment', id: environment.id, projectId: run.project_id },
    {
      environment: environment.name,
      stage: environment.stage,
      runId: run.id,
      ...(run.number !== null && { buildNumber: run.number }),
      requestedBy: run.requested_by,
      ...facts,
    },
  )
}
