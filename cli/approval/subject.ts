import { formatDuration } from '../../lib/words/durations.ts'
import type { Field } from '../fields.ts'
import { oneLine } from '../table.ts'

type Subject = Readonly<Record<string, unknown>>

/** What people decide by, first; all else that the approval is bound to comes after it, so that nothing of it is hidden. */
const first = ['commit', 'digest', 'modules', 'plan', 'rehearsal', 'lost', 'replaces'] as const

const titles: Readonly<Record<string, string>> = { digest: 'Image', lost: 'Would be lost' }

/** Words for each part of what would happen; `--raw` shows the same, byte for byte. */
export function subjectFields(subject: Subject): Field[] {
  const known = first.filter((key) => key in subject)
  const others = Object.keys(subject).filter((key) => !known.some((each) => each === key))
  return [...known, ...others].flatMap((key) => fieldsOf(key, subject[key]))
}

function fieldsOf(key: string, value: unknown): Field[] {
  if (key === 'modules' && isObject(value)) {
    return Object.entries(value).map(([what, names]) => [
      `${titleOf(what)}s`,
      Array.isArray(names) && names.length === 0 ? 'no module' : textOf(names),
    ])
  }
  if (key === 'rehearsal')
    return [['Rehearsal', isObject(value) ? rehearsalText(value) : 'none was asked for']]
  return [[titles[key] ?? titleOf(key), textOf(value)]]
}

function rehearsalText({ verdict, downtimeSeconds, run, ...more }: Subject): string {
  const away =
    typeof downtimeSeconds === 'number' && downtimeSeconds > 0
      ? `production would be away for about ${formatDuration(downtimeSeconds * 1_000)}`
      : 'production would not be away'
  const rest = Object.keys(more).length > 0 ? `, ${textOf(more)}` : ''
  return oneLine(`${textOf(verdict)}: ${away} (run ${textOf(run)})${rest}`)
}

/** `failedUpdate` as `Failed update` */
function titleOf(key: string): string {
  const words = key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
    return oneLine(value.join(', '))
  if (isObject(value)) {
    const parts = Object.entries(value).map(([key, each]) => `${titleOf(key).toLowerCase()} ${textOf(each)}`)
    return parts.join(', ')
  }
  return oneLine(typeof value === 'string' ? value : JSON.stringify(value))
}

const isObject = (value: unknown): value is Subject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
