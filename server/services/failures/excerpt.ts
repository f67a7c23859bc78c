/** A line of a log, as far as it matters here. */
export interface Logged {
  readonly unixMicros: number
  readonly source: string
  readonly text: string
}

export interface ExcerptLine extends Logged {
  /** Of the exception itself; the others are around it. */
  readonly exception: boolean
}

const before = 10
const around = 15
/** More than any chain of exceptions has, and the least that a message of many lines needs. */
const longestException = 400

/**
 * The lines of a log that show why its task failed: the exception with all its lines, and 15 lines around it. `said` is what
 * the task gave as its reason: of several exceptions it tells which. Without any it is the line that says the same, else the
 * last one that speaks of an error, else the last.
 */
export function excerptOf(lines: readonly Logged[], said: string): ExcerptLine[] {
  const { from, to } = findException(lines, said) ?? findLine(lines, said)
  const after = Math.min(around - before, lines.length - to)
  const first = Math.max(0, from - (around - after))
  return lines
    .slice(first, to + after)
    .map((line, index) => ({ ...line, exception: first + index >= from && first + index < to }))
}

/** Half open. */
interface Range {
  readonly from: number
  readonly to: number
}

const begin = 'Traceback (most recent call last)'

function findException(lines: readonly Logged[], said: string): Range | undefined {
  const found: Range[] = []
  for (let at = 0; at < lines.length; at++) {
    if (!lines[at]?.text.startsWith(begin)) continue
    const range = { from: at, to: endOf(lines, at) }
    found.push(range)
    at = range.to - 1
  }
  return found.find((range) => isOf(lines, range, said)) ?? found.at(-1)
}

/** Up to the next record of the same log, also over those that it was raised from. */
function endOf(lines: readonly Logged[], from: number): number {
  const { source } = lines[from] as Logged
  let to = from + 1
  while (to < lines.length && to - from < longestException) {
    const line = lines[to] as Logged
    if (line.source !== source || isRecord(line.text)) break
    to++
  }
  while (lines[to - 1]?.text.trim() === '') to--
  return to
}

/** `2026-11-30 10:57:53,123 41 ERROR shop odoo.modules.registry: …` */
const isRecord = (text: string) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} /.test(text)

/** Whether one of its exceptions says what the reason says. Reasons are cut where an exception has much to say. */
const isOf = (lines: readonly Logged[], { from, to }: Range, said: string): boolean =>
  lines.slice(from, to).some(({ text }) => {
    const colon = text.indexOf(': ')
    const name = text.slice(0, Math.max(0, colon))
    if (!/^[A-Za-z_][\w.]*$/.test(name)) return false
    const message = text.slice(colon, colon + 60).trimEnd()
    return said.includes(`${name.slice(name.lastIndexOf('.') + 1)}${message}`)
  })

function findLine(lines: readonly Logged[], said: string): Range {
  const same = lines.findLastIndex(({ text }) => {
    const own = text.trim()
    if (own.length < 8 || said === '') return false
    return said.includes(own.slice(0, 200)) || own.includes(said.slice(0, 200))
  })
  const error = lines.findLastIndex(({ text }) => /\b(?:error|critical|fatal)\b/i.test(text))
  const at = [same, error, lines.length - 1].find((index) => index >= 0) ?? 0
  return { from: at, to: Math.min(lines.length, at + 1) }
}
