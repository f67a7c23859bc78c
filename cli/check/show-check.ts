import type { Output } from '../output.ts'
import type { Colour } from '../style.ts'
import { printable } from '../table.ts'
import type { Finding, Level } from './findings.ts'

/** What a check comes to; scripts depend on the keys. */
export interface CheckJson {
  readonly directory: string
  readonly result: 'fine' | 'not judged' | 'findings'
  /** Where what the base image holds is known from; empty: it is not. */
  readonly baseImage: string
  readonly unjudged: readonly string[]
  readonly findings: readonly FindingJson[]
}

export interface FindingJson extends Finding {
  /** Where the message begins with a place. */
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** `sale_x/__manifest__.py:3:14: only literal values are allowed` */
export function withPlace(finding: Finding): FindingJson {
  const { message } = finding
  const [head = ''] = message.slice(0, 1_000).split(' ', 1)
  const match = /^([^:]+)(?::(\d+))?(?::(\d+))?:?$/.exec(head)
  const [, file = '', line, column] = match ?? []
  if (!/[./]/.test(file)) return finding
  return { ...finding, file, ...(line && { line: Number(line) }), ...(column && { column: Number(column) }) }
}

const groups: readonly [level: Level, title: string, colour: Colour][] = [
  ['error', 'Errors: a build would be red', 'red'],
  ['warning', 'Warnings', 'yellow'],
  ['note', 'Notes', 'dim'],
]

export function showCheck(out: Output, { findings, ...check }: CheckJson): void {
  if (out.json) out.printJson({ ...check, findings })
  else showText(out, { findings, ...check })
}

function showText(out: Output, { findings, ...check }: CheckJson): void {
  for (const [level, title, colour] of groups) {
    const those = findings.filter((finding) => finding.level === level)
    if (those.length === 0) continue
    out.line(out.paint(colour, title))
    for (const { message, stages } of those) {
      const about = stages.length > 0 ? ` (${stages.join(', ')})` : ''
      out.line(`  - ${printable(message)}${about}`)
    }
    out.line()
  }
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  const [errors, warnings] = [count('error'), count('warning')]
  const counted = `${errors} ${errors === 1 ? 'error' : 'errors'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`
  const verdict =
    check.result === 'fine'
      ? out.paint('green', 'fine')
      : check.result === 'findings'
        ? out.paint('red', 'not fine')
        : out.paint('yellow', 'not all of it could be judged')
  out.line(`${check.directory}: ${verdict}, ${counted}`)
}
