import type { FailureJson } from './json/failure.ts'
import type { Paint } from './style.ts'
import { oneLine } from './table.ts'

/** What a run is called by `fairway logs`: a build as people name it, any other by its id. */
export interface NamedRun {
  readonly id: string
  readonly project: string
  readonly number: number | null
  readonly failure: FailureJson | null
}

export const nameOfRun = ({ id, project, number }: Omit<NamedRun, 'failure'>): string =>
  number === null ? id : `${project}/${number}`

/** What Odoo itself says in these steps is in the log of its runtime, which is a step of its own. */
const runtimeSteps = ['deploy', 'smoke']

/** The command that has all of its log, of the step that failed where one wrote something. */
export function logsCommand(run: NamedRun): string {
  const { failure } = run
  const isOneStep = failure?.step && failure.log.length > 0 && !runtimeSteps.includes(failure.step)
  const step = isOneStep ? ` --step ${failure.step}` : ''
  return `fairway logs ${nameOfRun(run)}${step}`
}

/** Why it is red: the sentence that matters, where it comes from, and the log around it. Nothing of it is cut. */
export function failureLines(paint: Paint, { step, sentence, path, line, log }: FailureJson): string[] {
  const place = path && (line === null ? path : `${path}:${line}`)
  return [
    paint('red', `red${step ? ` in ${step}` : ''}: ${oneLine(sentence)}`),
    ...(place ? [`  ${paint('bold', place)}`] : []),
    ...(log.length > 0 ? [''] : []),
    ...log.map(({ text, exception }) => `  ${paint(exception ? 'red' : 'dim', text)}`),
  ]
}
