import { faultOfGone, type ModuleChanges, moduleChanges } from '../../releases/changes.ts'
import type { Contents } from '../../releases/contents.ts'
import type { Source } from '../../releases/source.ts'
import { TaskFailed } from '../../runs/types.ts'

/** What a database needs to fit `source`. Fails when a module that is installed has left the repository for good. */
export function changesBetween(contents: Contents, source: Source): ModuleChanges {
  const changes = moduleChanges(contents, source)
  const gone = faultOfGone(changes)
  if (gone) throw new TaskFailed('module-gone', gone)
  return changes
}
