import { createHash } from 'node:crypto'
import { createRecordParser, type LogRecord } from '../odoo/log-records.ts'

/** A kind of line that Odoo's log had. */
export interface LogIssue {
  fingerprint: string
  level: string
  logger: string
  sample: string
  count: number
}

/** What an update's log says beside how it went. Plain JSON. */
export interface UpdateTrace {
  /** Worst first, then most first. */
  issues: LogIssue[]
  /** Kinds beyond those kept. */
  moreIssues: number
  /** Migration scripts in the order in which they began. */
  scripts: { module: string; script: string }[]
}

const levels = ['CRITICAL', 'ERROR', 'WARNING']
const sampleLength = 500
const maxKinds = 100
const maxScripts = 1_000

/** Reads Odoo's log line by line; `trace` answers with what was found so far. */
export function createTraceReader(): { line(text: string): void; trace(): UpdateTrace } {
  const issues = new Map<string, LogIssue>()
  const scripts: UpdateTrace['scripts'] = []
  const others = new Set<string>()
  const parser = createRecordParser((record) => {
    const script = findScript(record)
    if (script && scripts.length < maxScripts) scripts.push(script)
    if (!levels.includes(record.level)) return
    const fingerprint = fingerprintOf(record)
    const known = issues.get(fingerprint)
    if (known) known.count++
    else if (issues.size < maxKinds)
      issues.set(fingerprint, {
        fingerprint,
        level: record.level,
        logger: record.logger,
        sample: record.message.trim().slice(0, sampleLength),
        count: 1,
      })
    else if (others.size < 10 * maxKinds) others.add(fingerprint)
  })
  return {
    line: (text) => parser.line(text),
    trace() {
      parser.end()
      const ordered = [...issues.values()].toSorted(
        (a, b) =>
          levels.indexOf(a.level) - levels.indexOf(b.level) ||
          b.count - a.count ||
          (a.fingerprint < b.fingerprint ? -1 : 1),
      )
      return { issues: ordered, moreIssues: others.size, scripts }
    },
  }
}

/** SHA-256 of level, logger and message, without what differs from one run of the same code to the next. */
export function fingerprintOf({ level, logger, message }: Pick<LogRecord, 'level' | 'logger' | 'message'>) {
  const text = [level, logger, normalize(message.slice(0, 2_000))].join('\n')
  return createHash('sha256').update(text).digest('hex')
}

/** Quoted values, ids, addresses, numbers, times and line numbers become `?`, and lists of such one `?`. */
export function normalize(message: string): string {
  return message
    .replace(/(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)|"(?:[^"\\]|\\.)*"/g, '?')
    .replace(/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, '?')
    .replace(/\b0x[0-9a-f]+\b/gi, '?')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b/gi, '?')
    .replace(/\d+(?:[.,:]\d+)*/g, '?')
    .replace(/\?(?:\s*,\s*\?)*(?:,(?=[)\]}]))?/g, '?')
    .replace(/\s+/g, ' ')
    .trim()
}

/** `module sale_x: Running migration [19.0.1.1>] post-fill`, in 19 and its predecessors alike. */
function findScript({ level, logger, message }: LogRecord) {
  if (level !== 'INFO' || !/^odoo\.(modules|upgrade)/.test(logger)) return undefined
  const found = /^module (\w{1,100}): Running migration \[[>$]?([\w.]{1,50})>?\] ([\w.-]{1,100})$/.exec(
    message.trim(),
  )
  return found && { module: found[1]!, script: `${found[2]}/${found[3]}.py` }
}
