/** Why Odoo could not make a style sheet. Plain JSON. */
export interface StyleFault {
  /** In one line. */
  said: string
  /** What the compiler shows of the sources. */
  code?: string
  /** Lines of all files put together, where it is and what brought it there; the innermost first. */
  lines: number[]
  /** Addresses of the files, in the order in which they were put together. */
  files: string[]
}

/** A compiler that cannot be run says so in a line that does not end. */
const beforeFiles = /This error occurred while compiling the bundle /

const mark = '/* ## CSS error message ##*/'

/**
 * Odoo serves a style sheet in any case: what was last served, and the error as a rule that nothing matches
 * (`AssetsBundle.css`, `get_preprocessor_error` of base/models/assetsbundle.py).
 */
export function findStyleFault(text: string): StyleFault | undefined {
  const begin = text.indexOf(mark)
  if (begin < 0) return undefined
  const rule = text.indexOf('css_error_message {', begin)
  const from = rule < 0 ? -1 : text.indexOf('"', rule)
  if (from < 0) return { said: 'Odoo says that it could not be compiled', lines: [], files: [] }
  const [first = '', ...more] = unquote(text.slice(from + 1, from + 500_000))
    .replace(beforeFiles, '\n$&')
    .split('\n')
  const list = more.findIndex((line) => line.endsWith(' containing:'))
  const about = more.slice(0, list < 0 ? more.length : list)
  const source = about.find((line) => line.startsWith('>> ') && !line.includes('/*!'))
  return {
    said: first.replace(/\s+/g, ' ').trim().slice(0, 200),
    ...(source !== undefined && { code: source.slice('>> '.length).trim() }),
    lines: about.slice(0, 50).flatMap(lineOf),
    files: list < 0 ? [] : filesOf(more.slice(list + 1)),
  }
}

/** Up to the quotation mark that ends it, as Odoo has put it into the rule. */
function unquote(text: string): string {
  const end = /(?<!\\)"/.exec(text)?.index ?? text.length
  return text.slice(0, end).replaceAll('\\A', '\n').replaceAll('\\"', '"').replaceAll('\\*', '*')
}

/** `on line 3:19 of stdin`, `from line 7:4 of stdin`: what is put together is given to the compiler on its standard input. */
function lineOf(line: string): number[] {
  const found = /^\s*(?:on|from) line (\d{1,7}):\d{1,7} of stdin\b/.exec(line)
  return found ? [Number(found[1])] : []
}

const item = '    - '
const maxFiles = 2_000

function filesOf(lines: readonly string[]): string[] {
  const end = lines.findIndex((line) => !line.startsWith(item))
  return lines
    .slice(0, Math.min(end < 0 ? lines.length : end, maxFiles))
    .map((line) => line.slice(item.length))
}
