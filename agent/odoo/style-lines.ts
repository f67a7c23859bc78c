import { endOfString } from './balanced-braces.ts'

interface Statement {
  /** Lines, from 0; of its last interpolation, or where it has begun. */
  readonly begun: number
  interpolated: number
  /** `@mixin`, `$map`: no selector. */
  readonly isRule: boolean
}

/**
 * How many lines before each one of a style sheet the compiler has not counted, and behind the last one.
 *
 * libsass (3.6.5, that of Odoo's images) leaves out the line breaks of a selector up to the last `#{…}` in it. All that
 * follows, in whatever file, is then said to be further up than it is.
 */
export function uncountedBefore(lines: readonly string[]): number[] {
  const found: number[] = []
  let uncounted = 0
  let statement: Statement | undefined
  let interpolations = 0
  let inComment = false
  for (const [index, line] of lines.entries()) {
    found.push(uncounted)
    for (let at = 0; at < line.length; at++) {
      const [one, next] = [line[at] ?? '', line[at + 1]]
      if (inComment) {
        const end = line.indexOf('*/', at)
        inComment = end < 0
        at = inComment ? line.length : end + 1
      } else if (one === '/' && next === '*') {
        inComment = true
        at++
      } else if (one === '/' && next === '/' && line[at - 1] !== ':') at = line.length
      else if (one === '#' && next === '{') {
        statement ??= { begun: index, interpolated: index, isRule: false }
        statement.interpolated = index
        interpolations++
        at++
      } else if (one === '}' && interpolations > 0) interpolations--
      else if (one === '{' || one === '}' || one === ';') {
        if (one === '{' && statement && !statement.isRule)
          uncounted += statement.interpolated - statement.begun
        statement = undefined
        interpolations = 0
      } else if (/\S/.test(one)) {
        statement ??= { begun: index, interpolated: index, isRule: one === '@' || one === '$' }
        if (one === '"' || one === "'") at = endOfString(line, at)
      }
    }
  }
  found.push(uncounted)
  return found
}
