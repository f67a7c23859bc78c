import type { SecretRefRecord } from '../../db/record.ts'
import type { Stage } from '../../db/tables/projects.ts'
import { listSecretRefs, type SecretPlace } from '../../governance/secrets/scopes.ts'
import { listLivingRefs } from '../../governance/secrets/values.ts'
import type { Engine } from '../../runs/replay.ts'

/** What of the project's secrets a run's environment gets. By name and version: agents fetch the values. */
export interface SecretActions {
  /** As they are when it is first asked for under that key. */
  current(key: string): Promise<readonly SecretRefRecord[]>
  /** Those of a former start that still exist: what was put back runs with what it ran with. */
  former(key: string, refs: readonly SecretRefRecord[]): Promise<readonly SecretRefRecord[]>
}

export function secretActions(engine: Engine): SecretActions {
  const { tx, run, project, environment } = engine.state
  const place: SecretPlace = {
    projectId: project.id,
    environment: { name: environment.name, stage: run.stage as Stage },
  }
  return {
    current: (key) => engine.effect(`secrets:${key}`, () => listSecretRefs(tx, place)),
    async former(key, refs) {
      const living = await engine.effect(`secrets:${key}`, () => listLivingRefs(tx, place, refs))
      // What puts back is tried again, and somebody may have deleted one since.
      return await listLivingRefs(tx, place, living)
    },
  }
}
