import { describeBase } from '../../../lib/repository/base-document.ts'
import { baseDocumentName } from '../../../lib/repository/base-document-name.ts'
import type { TaskContext } from '../task.ts'
import type { Declared } from './read-declared.ts'

/** An artifact may be 1 MiB, and the lock beside it as well. */
const maxBytes = 768 * 1024

/** What the base image has is kept for `fairway check`, which has none: the artifact `base-image.json`. */
export function tellBase(
  { base, config }: Pick<Declared, 'base' | 'config'>,
  context: Pick<TaskContext, 'artifact' | 'log'>,
): void {
  const { digest, facts } = base
  const document = new TextEncoder().encode(describeBase({ ...facts, image: config.baseImage, digest }))
  if (document.byteLength <= maxBytes) context.artifact(baseDocumentName, 'application/json', document)
  else context.log('fairway', 'the base image holds too many modules for `fairway check` to be told of them')
}
