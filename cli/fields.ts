import { foldText, longestWord } from './fold-text.ts'
import type { Paint } from './style.ts'
import { wrapWords } from './wrap-words.ts'

export type Field = readonly [name: string, value: string | null | undefined]

const gap = 2

/**
 * Names and values below each other; those without a value are left out. Values are folded beside their names, and below
 * where a word of it, a digest say, has room there only.
 */
export function renderFields(paint: Paint, fields: readonly Field[], width = Infinity): string[] {
  const shown = fields.flatMap(([name, value]) => (value ? [[name, value] as const] : []))
  const wide = Math.max(...shown.map(([name]) => name.length))
  const room = width - wide - gap
  return shown.flatMap(([name, value]) => {
    const longest = longestWord(value)
    if (longest > room && longest <= width - gap) return [paint('dim', name), foldText(`  ${value}`, width)]
    const [first = '', ...rest] = value.split('\n').flatMap((line) => wrapWords(line, room))
    return [
      `${paint('dim', name.padEnd(wide))}  ${first}`,
      ...rest.map((line) => ' '.repeat(wide + gap) + line),
    ]
  })
}
