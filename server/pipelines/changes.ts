import type { Deployment } from '../db/record.ts'
import { faultOfGone, type ModuleChanges, moduleChanges } from '../releases/changes.ts'
import type { Source } from '../releases/source.ts'
import { TaskFailed } from '../scheduler/types.ts'

/** What the database of `deployed` needs to fit `source`. Fails when a module that is installed has left the repository. */
export function changesBetween(deployed: Deployment, source: Source): ModuleChanges {
  const gone = faultOfGone(deployed, source)
  if (gone) throw new TaskFailed('module-gone', gone)
  return moduleChanges(deployed, source)
}
