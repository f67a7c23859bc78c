import { stripVTControlCharacters } from 'node:util'

/** Of a command that people copy: between backticks, or after a colon or a bracket up to where the sentence goes on. */
const command = /`[^`]+`|(?<=[:(] ?)(?:fairway(?:-agent|-server)?|sh) .+?(?=[;,()]|\. |$)/g
/** Moments, durations and sizes. */
const figure = /\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC|\b\d+(?:\.\d+)? (?:ms|s|min|h|d|B|KiB|MiB|GiB|TiB)\b/g
/** Stands for a space at which no line ends; no text has it. */
const glue = '\u{F8FF}'

/**
 * Lines no longer than `width`, broken between words and around commands and figures. A word or command that is longer alone is one line
 * and whole: what breaks it there is the terminal, from which it is still copied in one piece.
 */
export function wrapWords(text: string, width: number): string[] {
  if (visibleLength(text) <= width) return [text]
  const whole = (found: string) => found.replaceAll(' ', glue)
  const glued = text.replaceAll(command, whole).replaceAll(figure, whole)
  const lines: string[] = []
  let line = ''
  for (const word of glued.trimEnd().split(' ')) {
    if (line !== '' && visibleLength(line) + 1 + visibleLength(word) <= width) {
      line += ` ${word}`
      continue
    }
    if (line !== '') lines.push(line)
    line = word
  }
  return [...lines, line].map((each) => each.replaceAll(glue, ' '))
}

/** Without colours. */
export const visibleLength = (text: string): number => stripVTControlCharacters(text).length
