import { parseTraceback, placeInModule, type Raised } from './tracebacks.ts'

/** Why an update failed, as its log tells. Plain JSON. */
export interface Cause {
  /** `module sale_x: TypeError: f() takes 2 arguments (sale_x/models/order.py:9, at sale_x/views/order.xml:3)` */
  line: string
  /** The same without the module: `TypeError: f() takes 2 arguments (sale_x/models/order.py:9)` */
  said: string
  /** Every exception of the chain, the innermost first, each in one line. */
  chain: string[]
  /** What a data file says is wrong, and not the code alone. */
  inData: boolean
}

/** What Odoo was at when it stopped. */
export interface Loading {
  module?: string
  /** `sale_x/views/order.xml` */
  file?: string
}

/** Modules that an image has beyond its base image; empty: nobody said which, and the folder has to tell. */
export type OwnModules = ReadonlySet<string>

/** The innermost exception of a traceback that says what is wrong, and the module it is in. */
export function findCause(
  lines: readonly string[],
  loading: Loading = {},
  ownModules: OwnModules = new Set(),
): Cause | undefined {
  const chain = parseTraceback(lines)
  const cause = innermost(chain)
  if (!cause) return undefined
  const data = chain.flatMap(dataPlace).at(0) ?? fileAt(chain, loading)
  const code = codePlace(cause, ownModules)
  const own = code && !code.core ? code : undefined
  const module = named(cause) ?? own?.module ?? data?.module ?? loading.module ?? code?.module
  const places = placesOf(own?.at, data?.at)
  const line = `${module ? `module ${module}: ` : ''}${say(cause)}${places ? ` (${places})` : ''}`
  const said = `${say(cause)}${own ? ` (${own.at})` : ''}`
  return { line: line.slice(0, 1_000), said, chain: chain.map(inOneLine), inData: data !== undefined }
}

function placesOf(code: string | undefined, data: string | undefined): string {
  if (code === undefined || data === undefined) return code ?? data ?? ''
  return code.startsWith(data) ? code : `${code}, at ${data}`
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

/** Raised from a cause, and saying more of it than the cause does. */
const tellsBetter = /^Unable to \w{1,20} module "(\w{1,100})" because an external dependency is not met/

function innermost(chain: readonly Raised[]): Raised | undefined {
  const better = chain.findLast(({ message }) => tellsBetter.test(message))
  if (better) return better
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

interface DataPlace {
  module: string | undefined
  at: string
}

function dataPlace({ name, message }: Raised): DataPlace[] {
  const found = name === 'ParseError' ? parsing.exec(message) : null
  if (!found) return []
  const place = placeInModule(found[1]!)
  return [{ module: place?.module, at: `${place?.file ?? found[1]!.replace(/^.*\//, '')}:${found[2]}` }]
}

function codePlace(
  { frames }: Raised,
  ownModules: OwnModules,
): { module: string; at: string; core: boolean } | undefined {
  const places = frames.flatMap(({ path, line }) => {
    const place = placeInModule(path)
    if (!place) return []
    const core = ownModules.size > 0 ? !ownModules.has(place.module) : place.inOdoo
    return [{ module: place.module, core, at: `${place.file}:${line}` }]
  })
  return places.findLast(({ core }) => !core) ?? places.at(-1)
}

/** A data file that is refused as a whole: the traceback does not name it, the line before does. */
function fileAt(chain: readonly Raised[], { file }: Loading): DataPlace | undefined {
  const converts = chain.some(({ frames }) => frames.some(({ path }) => path.endsWith('/tools/convert.py')))
  return converts && file ? { module: file.split('/', 1)[0], at: file } : undefined
}

/** `button_upgrade` and `button_install` of base/models/ir_module.py. */
const dependent = /^You try to (?:install|upgrade) (?:the )?module [“"']?(\w{1,100})[”"']? that depends on/

const named = ({ message }: Raised) => (tellsBetter.exec(message) ?? dependent.exec(message))?.[1]

/** Its name and what it says, without what only points elsewhere. */
function say(raised: Raised): string {
  if (raised.name === 'ParseError') return sayOfData(raised.message)
  if (raised.name === 'MemoryError')
    return 'MemoryError: Odoo needed more memory than it may have: raise `memory` in fairway.yaml'
  const text = firstWords(raised.message)
  return text ? `${raised.name}: ${text}` : raised.name
}

/** The first line, the next where that is what it announces, and what PostgreSQL adds about a key; not whole rows. */
function firstWords(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  const key = lines.find((line) => line.startsWith('DETAIL:  Key '))
  const [first = '', next = ''] = lines.filter((line) => line !== '' && !line.startsWith('DETAIL:'))
  const words = /(?::|while evaluating)$/.test(first) ? `${first} ${next}` : first
  const text = `${words}${key ? ` (${key.slice('DETAIL:'.length).trim()})` : ''}`
  // Where Fairway's images have addons.
  return text.replaceAll('/mnt/extra-addons/', '').slice(0, 600)
}

/** Of a view that is refused: what comes after the piece of it, and before its context. */
function sayOfData(message: string): string {
  const said = message.replace(parsing, '').split('View error context:', 1)[0] ?? ''
  const lines = said.split('\n').map((line) => line.trim())
  const markup = lines[0]?.startsWith('Error while validating') ? lines.findLastIndex(isMarkup) : -1
  const text = lines.slice(markup + 1).filter((line) => line !== '' && !/^Error while [^\n]*:$/.test(line))
  return decoded(text.join(' ')).slice(0, 600) || 'it cannot be read'
}

const isMarkup = (line: string) => line.startsWith('<') || line.endsWith('>')

const entities = new Map([
  ['&#39;', "'"],
  ['&#34;', '"'],
  ['&quot;', '"'],
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&amp;', '&'],
])
const decoded = (text: string) =>
  text.replace(/&(?:#39|#34|quot|lt|gt|amp);/g, (entity) => entities.get(entity) ?? entity)

function inOneLine({ name, message, frames }: Raised): string {
  const last = frames.at(-1)
  const place = last && placeInModule(last.path)
  const where = last ? ` (${place?.file ?? last.path.split('/').slice(-2).join('/')}:${last.line})` : ''
  return `${name}: ${message.replace(/\s+/g, ' ').slice(0, 500)}${where}`
}
