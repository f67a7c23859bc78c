import { parseTraceback, placeInModule, type Raised } from './tracebacks.ts'

/** Why an update failed, as its log tells. Plain JSON. */
export interface Cause {
  /** `module sale_x: TypeError: f() takes 2 arguments (sale_x/models/order.py:9, at sale_x/views/order.xml:3)` */
  line: string
  /** Every exception of the chain, the innermost first, each in one line. */
  chain: string[]
  /** What a data file says is wrong, and not the code alone. */
  inData: boolean
}

/**
 * The innermost exception of a traceback that says what is wrong, and the module it is in.
 *
 * @param loading the module that Odoo was loading.
 */
export function findCause(lines: readonly string[], loading?: string): Cause | undefined {
  const chain = parseTraceback(lines)
  const cause = innermost(chain)
  if (!cause) return undefined
  const data = chain.flatMap(dataPlace).at(0)
  const code = codePlace(cause)
  const own = code && !code.core ? code : undefined
  const module = own?.module ?? data?.module ?? loading ?? code?.module
  const places = [own?.at, data && `${own ? 'at ' : ''}${data.at}`].filter(Boolean).join(', ')
  const line = `${module ? `module ${module}: ` : ''}${say(cause)}${places ? ` (${places})` : ''}`
  return {
    line: line.slice(0, 1_000),
    chain: chain.map(inOneLine),
    inData: data !== undefined || isDataFault(cause),
  }
}

/** Python's word for that something was not found in a cache or a mapping, before what was tried instead failed. */
const misses = new Set([
  'KeyError',
  'IndexError',
  'AttributeError',
  'StopIteration',
  'CacheMiss',
  'LookupError',
])
/** What comes of an exception that was raised before, and says nothing of its own. */
const aftermath = new Set(['InFailedSqlTransaction', 'InterfaceError', 'ParseError', 'SystemExit'])

function innermost(chain: readonly Raised[]): Raised | undefined {
  let at = chain.length - 1
  for (; at > 0; at--) {
    const [earlier, later] = [chain[at - 1]!, chain[at]!]
    if (earlier.leadsOnBy === 'cause') continue
    if (misses.has(earlier.name) && !aftermath.has(later.name)) break
    if (!aftermath.has(later.name) && !isOfPostgres(earlier)) break
  }
  return chain[at]
}

const isOfPostgres = ({ message }: Raised) => /^(?:DETAIL|LINE \d+):/m.test(message)

/** `convert.py` of Odoo: which record of which file it was at. */
const parsing = /^while parsing ([^\n]{1,500}?):(\d{1,7})(?:, somewhere inside)?(?:\n|$)/

function dataPlace({ name, message }: Raised): { module: string | undefined; at: string }[] {
  const found = name === 'ParseError' ? parsing.exec(message) : null
  if (!found) return []
  const place = placeInModule(found[1]!)
  return [{ module: place?.module, at: `${place?.file ?? found[1]!.replace(/^.*\//, '')}:${found[2]}` }]
}

function codePlace({ frames }: Raised): { module: string; at: string; core: boolean } | undefined {
  const places = frames.flatMap(({ path, line }) => {
    const place = placeInModule(path)
    return place ? [{ module: place.module, core: place.core, at: `${place.file}:${line}` }] : []
  })
  return places.findLast(({ core }) => !core) ?? places.at(-1)
}

const dataFaults = new Set(['ParseError', 'XMLSyntaxError', 'DocumentInvalid', 'AssertionError'])
const isDataFault = ({ name, message }: Raised) =>
  (dataFaults.has(name) && name !== 'AssertionError') || /^File not found: /.test(message)

/** Its name and what it says, without what only points elsewhere. */
function say(raised: Raised): string {
  if (raised.name === 'ParseError') return sayOfData(raised.message)
  const text = firstWords(raised.message)
  return text ? `${raised.name}: ${text}` : raised.name
}

/** The first line, and what PostgreSQL adds about the row. */
function firstWords(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  const detail = lines.find((line) => line.startsWith('DETAIL:'))
  const [first = ''] = lines.filter((line) => line !== '' && !line.startsWith('DETAIL:'))
  return `${first}${detail ? ` (${detail.slice('DETAIL:'.length).trim()})` : ''}`.slice(0, 600)
}

/** Of a view that is refused: what is between the piece of it and its context. */
function sayOfData(message: string): string {
  const said = message.replace(parsing, '').split('View error context:', 1)[0] ?? ''
  const paragraphs = said
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter(
      (paragraph) =>
        paragraph !== '' && !paragraph.startsWith('<') && !/^Error while [^\n]*:$/.test(paragraph),
    )
  const [text = 'it cannot be read'] = paragraphs
  return text
    .replace(/^Error while [^\n]*:\n/, '')
    .replace(/\s+/g, ' ')
    .slice(0, 600)
}

function inOneLine({ name, message, frames }: Raised): string {
  const last = frames.at(-1)
  const place = last && placeInModule(last.path)
  const where = last ? ` (${place?.file ?? last.path.split('/').slice(-2).join('/')}:${last.line})` : ''
  return `${name}: ${message.replace(/\s+/g, ' ').slice(0, 500)}${where}`
}
