import { formatDuration } from '../../lib/words/durations.ts'
import { formatTime } from '../../lib/words/times.ts'
import { renderFields } from '../fields.ts'
import type { RollbackPlanJson } from '../json/rollback.ts'
import { oneLine } from '../table.ts'
import { imageWords } from './image-words.ts'
import { type Look, nameList } from './listing.ts'
import { madeFrom } from './made-from.ts'

/** What a rollback would do, first in one line. */
export function rollbackLines({ paint, width }: Look, plan: RollbackPlanJson, now = Date.now()): string[] {
  const { current, target, updates, hints } = plan
  return [
    paint('bold', rollbackSentence(plan, now)),
    '',
    ...renderFields(
      paint,
      [
        ['From', imageWords(current)],
        ['To', imageWords(target)],
        ['Image', target?.digest],
        ['Plan', plan.sha256],
        ['Made', madeFrom(plan, now)],
        ['Loads', updates.length > 0 ? `again, on the data as they are: ${nameList(updates)}` : null],
      ],
      width,
    ),
    ...(hints.length > 0 ? ['', ...hints.map((text) => `hint: ${oneLine(text)}`)] : []),
  ]
}

function rollbackSentence(plan: RollbackPlanJson, now: number): string {
  const { project, environment, target, withData, dataFrom, updates } = plan
  const back = `${project}/${environment} goes back to ${imageWords(target)}`
  if (withData) {
    const age = dataFrom
      ? `${formatTime(dataFrom)}, ${formatDuration(now - Date.parse(dataFrom))} ago`
      : 'then'
    return `${back}, its data to ${age}`
  }
  return updates.length > 0 ? `${back}; its data stay, and are updated` : `${back}; its data stay`
}

/** Why the server would refuse it, and the ways on. */
export function refusalText({ refusal, withData, project, target }: RollbackPlanJson): string {
  const again = `fairway rollback ${project}${target ? ` --to ${target.build}` : ''} --with-data`
  const ways = [
    ...(withData ? [] : [`  --with-data  the data go back too: ${again}`]),
    '  --force      the older code runs on the data as they are, and may not fit them',
  ]
  const head = `Not rolled back: ${oneLine(refusal ?? '')}`
  return [head, ways.length > 1 ? 'Two ways on:' : 'One way on:', ...ways].join('\n')
}
