import { taskKinds } from '../../lib/tasks/task-kinds.ts'
import type { Offer } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { Owner } from '../tasks/task.ts'
import type { Redactor } from './redactor.ts'
import type { Redactors } from './redactors.ts'

/** Of a server that does not tell it, the environment is the one that the task's own words name, if any. */
export function ownerOf({ projectId, project, environmentId, spec }: Offer): Owner {
  return { projectId: projectId || project, environmentId: environmentId || environmentIn(spec?.kind) }
}

export function redactorOf(offer: Offer, redactors: Redactors): Redactor {
  const kind = offer.spec?.kind.case
  const byAll = kind !== undefined && taskKinds[kind].masking === 'project'
  return redactors[byAll ? 'ofCopies' : 'of'](ownerOf(offer))
}

function environmentIn(kind: NonNullable<Offer['spec']>['kind'] | undefined): string {
  if (kind?.case === 'startRuntime') return kind.value.runtime?.environmentId ?? ''
  return ''
}
