import type { StyleFault } from './style-fault.ts'

/** A line of a file of a bundle, by the file's address. Plain JSON. */
export interface StylePlace {
  file: string
  line?: number
  /** Where the project sets what Odoo's own line stumbles over. */
  setBy?: { name: string; file: string; line: number }
}

interface Sheet {
  file: string
  /** Null where nobody could read it. */
  content: string | null
}

/** Compiled together; Sass and Less are each by itself. */
export const isCompiled = (file: string): boolean => file.endsWith('.scss')

/**
 * Which file of a bundle does not compile. `sheets`: all that are compiled together, in their order; `ownModules`: those of the
 * project, which are looked at before Odoo's.
 */
export function findStylePlace(
  fault: StyleFault,
  sheets: readonly Sheet[],
  ownModules: readonly string[],
): StylePlace | undefined {
  const own = new Set(ownModules)
  const isOwn = ({ file }: { file: string }) => own.has(file.split('/')[1] ?? '')
  const open =
    unfinished.test(fault.said) && sheets.find((sheet) => isOwn(sheet) && !isBalanced(sheet.content))
  if (open) return { file: open.file }
  const counted = fault.lines.flatMap((line) => placeOf(line, sheets) ?? [])
  // Lines that are not counted rightly, as a file before could not be read, hold something else.
  const places = counted.some(({ text }) => holds(text, fault.code)) ? counted : []
  const place =
    places.find(isOwn) ?? places[0] ?? search(fault, sheets.filter(isOwn)) ?? search(fault, sheets)
  if (!place) return undefined
  const setBy = isOwn(place) ? undefined : findSetter(fault, sheets.filter(isOwn))
  return { file: place.file, line: place.line, ...(setBy && { setBy }) }
}

/** A bracket that stays open is noticed at the end of all files only. */
const unfinished = /invalid css|expected|untermina|unclosed|unmatched/i

/** `AssetsBundle.preprocess_css`, `get_source`: each file has a line of its own before it. */
function placeOf(
  line: number,
  sheets: readonly Sheet[],
): { file: string; line: number; text: string } | undefined {
  let before = 0
  for (const { file, content } of sheets) {
    if (content === null) return undefined
    const lines = content.split('\n')
    if (line <= before + 1 + lines.length) {
      const own = line - before - 1
      return own < 1 ? undefined : { file, line: own, text: lines[own - 1] ?? '' }
    }
    before += 1 + lines.length
  }
  return undefined
}

/** The compiler shows a long line in part. */
const shown = (code: string) => code.replace(/^\.\.\.|\.\.\.$/g, '').trim()
const holds = (text: string, code: string | undefined) => code === undefined || text.includes(shown(code))

/** The only line that is the one which is shown. */
function search({ code }: StyleFault, sheets: readonly Sheet[]): { file: string; line: number } | undefined {
  if (code === undefined || shown(code).length < 4) return undefined
  const found = sheets.flatMap(({ file, content }) =>
    (content ?? '')
      .split('\n')
      .flatMap((text, index) => (holds(text, code) ? [{ file, line: index + 1 }] : [])),
  )
  return found.length === 1 ? found[0] : undefined
}

/** The last file to set a variable that the fault names. */
function findSetter({ said }: StyleFault, sheets: readonly Sheet[]): StylePlace['setBy'] {
  const names = new Set(said.match(/\$[\w-]{1,100}/g))
  for (const { file, content } of sheets.toReversed()) {
    const lines = (content ?? '').split('\n')
    for (const [index, text] of lines.entries()) {
      const name = /^\s*(\$[\w-]{1,100})\s*:/.exec(text)?.[1]
      if (name !== undefined && names.has(name)) return { name, file, line: index + 1 }
    }
  }
  return undefined
}

/** Whether its braces match, those in comments and strings aside. A file that nobody read is taken to be well. */
function isBalanced(content: string | null): boolean {
  const text = content ?? ''
  let open = 0
  for (let at = 0; at < text.length; at++) {
    const two = text.slice(at, at + 2)
    if (two === '/*' || (two === '//' && text[at - 1] !== ':')) {
      const end = text.indexOf(two === '/*' ? '*/' : '\n', at + 2)
      if (end < 0) return two === '//' && open === 0
      at = end
    } else if (text[at] === '"' || text[at] === "'") at = endOfString(text, at)
    else if (text[at] === '{') open++
    else if (text[at] === '}' && --open < 0) return false
  }
  return open === 0
}

/** Where it ends, or its line where it does not. */
function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== text[from] && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return at
}
