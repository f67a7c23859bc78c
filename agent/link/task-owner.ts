import type { Offer } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { Owner, TaskKind } from '../tasks/task.ts'
import type { Redactor } from './redactor.ts'
import type { Redactors } from './redactors.ts'

/** Kinds of tasks that read data of another environment, or of a copy before it is neutral. */
const onCopies: ReadonlySet<TaskKind | undefined> = new Set<TaskKind>([
  'cloneCell',
  'restoreCell',
  'dumpCell',
  'neutralize',
])

/** Of a server that does not tell it, the environment is the one that the task's own words name, if any. */
export function ownerOf({ projectId, project, environmentId, spec }: Offer): Owner {
  return { projectId: projectId || project, environmentId: environmentId || environmentIn(spec?.kind) }
}

export const redactorOf = (offer: Offer, redactors: Redactors): Redactor =>
  redactors[onCopies.has(offer.spec?.kind.case) ? 'ofCopies' : 'of'](ownerOf(offer))

function environmentIn(kind: NonNullable<Offer['spec']>['kind'] | undefined): string {
  if (kind?.case === 'startRuntime') return kind.value.runtime?.environmentId ?? ''
  return ''
}
