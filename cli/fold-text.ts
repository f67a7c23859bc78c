import { stripVTControlCharacters } from 'node:util'
import { visibleLength, wrapWords } from './wrap-words.ts'

/** A line that is a command and nothing else. */
const isCommand = (line: string): boolean => /^\s*(?:\$ |fairway(?:-agent|-server)? )/.test(line)
/** What the lines to come stand below: indentation, with the mark of a list or a first column. */
const hanging = /^ *(?:[-–✓✗●·] |(?:hint|blocked|warning): |\S+ {2,})?/

/**
 * Prose for a terminal of `width` columns: each line is folded as `wrapWords` does, and goes on where its text began.
 * Commands that have a line of their own are left for people to copy.
 */
export function foldText(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => foldLine(line, width))
    .join('\n')
}

function foldLine(line: string, width: number): string {
  const plain = stripVTControlCharacters(line)
  if (plain.length <= width || isCommand(plain)) return line
  const [indentation = ''] = /^ */.exec(line) ?? []
  const [hung = ''] = hanging.exec(plain) ?? []
  // A first column that is painted, or takes half of the line, is a word like others.
  const lead = line.startsWith(hung) && hung.length <= width / 2 ? hung : indentation
  const lines = wrapWords(line.slice(lead.length), width - lead.length)
  return lead + lines.join(`\n${' '.repeat(lead.length)}`)
}

/** The longest word of it, in columns. */
export const longestWord = (text: string): number => Math.max(...text.split(/\s/).map(visibleLength))
