import { hasBalancedBraces } from './balanced-braces.ts'
import type { StyleFault } from './style-fault.ts'
import { uncountedBefore } from './style-lines.ts'

/** A line of a file of a bundle, by the file's address. Plain JSON. */
export interface StylePlace {
  file: string
  line?: number
  /** What stands there. */
  text?: string
  /** Where the project sets what Odoo's own line stumbles over. */
  setBy?: { name: string; file: string; line: number }
}

export interface Sheet {
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
    unfinished.test(fault.said) &&
    sheets.find((sheet) => isOwn(sheet) && !hasBalancedBraces(sheet.content ?? ''))
  if (open) return { file: open.file }
  const lines = linesOf(sheets)
  const places = countedPlaces(fault, lines, sheets) ?? findShown(fault, lines, isOwn)
  const place = places.find(isOwn) ?? places[0] ?? findUser(fault, lines.filter(isOwn))
  if (!place) return undefined
  const setBy = isOwn(place) ? undefined : findSetter(fault, sheets.filter(isOwn))
  return { ...place, ...(setBy && { setBy }) }
}

/** A bracket that stays open is noticed at the end of all files only. */
const unfinished = /invalid css|expected|untermina|unclosed|unmatched/i

type Line = Required<Omit<StylePlace, 'setBy'>>

/** `AssetsBundle.preprocess_css`, `get_source`: each file has a line of its own before it, which is its line 0 here. */
const linesOf = (sheets: readonly Sheet[]): Line[] =>
  sheets.flatMap(({ file, content }) =>
    ['', ...(content?.split('\n') ?? [])].map((text, line) => ({ file, line, text })),
  )

/** By their numbers. Undefined where what is counted there is not what the compiler shows: as behind a file that nobody could read. */
function countedPlaces(
  fault: StyleFault,
  lines: readonly Line[],
  sheets: readonly Sheet[],
): Line[] | undefined {
  const numbers = fault.lines.filter((number) => lines[number - 1])
  if (!numbers.some((number) => holds(lines[number - 1]?.text ?? '', fault.code))) return undefined
  const counted = numbersOf(sheets)
  // The last of that number: those before it are a selector's.
  const [innermost = 0, ...others] = numbers.map((number) => Math.max(0, counted.lastIndexOf(number)))
  const first = findNamed(fault.said, lines, innermost) ?? lines[innermost]
  return [first, ...others.map((index) => lines[index])].flatMap((place) => (place?.line ? place : []))
}

/** What the compiler takes for the number of each line, the headers of files among them. */
function numbersOf(sheets: readonly Sheet[]): number[] {
  let number = 0
  return sheets.flatMap(({ content }) => {
    const header = ++number
    const lines = content?.split('\n') ?? []
    const uncounted = uncountedBefore(lines)
    number += lines.length - (uncounted.at(-1) ?? 0)
    return [header, ...lines.map((_, index) => header + 1 + index - (uncounted[index] ?? 0))]
  })
}

/** By what the compiler shows, where one line alone has it. */
function findShown(
  { code, said }: StyleFault,
  lines: readonly Line[],
  isOwn: (line: Line) => boolean,
): Line[] {
  if (code === undefined || shown(code).length < 4) return []
  const all = [...lines.keys()].filter((index) => holds(lines[index]?.text ?? '', code))
  const own = all.filter((index) => isOwn(lines[index] as Line))
  const [index] = [own, all].find(({ length }) => length === 1) ?? []
  return index === undefined ? [] : [findNamed(said, lines, index) ?? (lines[index] as Line)]
}

/** Lines that may have been lost beside those that are known to be. */
const maxDrift = 60

/** The first line, from where the compiler thinks it is, that has what it names: a variable, or words in quotation marks. */
function findNamed(said: string, lines: readonly Line[], from: number): Line | undefined {
  const names = [...said.matchAll(/"([^"]{3,200})"|`([^`]{3,200})`|\$[\w-]{1,100}/g)]
    .map(([whole, quoted, ticked]) => shown(quoted ?? ticked ?? whole))
    .filter((name) => name !== '')
  return lines
    .slice(from, from + maxDrift)
    .find(({ line, text }) => line > 0 && names.some((name) => text.includes(name)))
}

/** The first line that uses what nobody defines: `Undefined variable: "$skin"`, `no mixin named skin`. */
function findUser({ said }: StyleFault, lines: readonly Line[]): Line | undefined {
  const name = /Undefined variable: "(\$[\w-]{1,100})"|(?:mixin|function) named ([\w-]{1,100})/i.exec(said)
  const wanted = name?.[1] ?? name?.[2]
  return wanted === undefined
    ? undefined
    : lines.find(({ line, text }) => line > 0 && text.split(/[^\w$-]+/).includes(wanted))
}

/** The compiler shows a long line in part. */
const shown = (code: string) => code.replace(/^\.\.\.|\.\.\.$/g, '').trim()
const holds = (text: string, code: string | undefined) => code === undefined || text.includes(shown(code))

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
