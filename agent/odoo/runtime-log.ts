import type { ContainerLine } from '../containers/log-frames.ts'
import { createTraceReader, fingerprintOf, type LogIssue, normalize } from '../observe/log-issues.ts'
import { findCause } from './cause.ts'
import { isHarmless } from './harmless.ts'
import { createRecordParser, findException, type LogRecord } from './log-records.ts'

/** Lines of a runtime's log that keep it from being green, each kind once. Plain JSON. */
export interface LogVerdict {
  errors: string[]
  warnings: string[]
  /** Kinds that would be among those, and are known. */
  known: number
  /** All that it had at WARNING and above. */
  issues: LogIssue[]
}

/** What of a log says nothing about a candidate: LogRules in tasks.proto. */
export interface LogRules {
  readonly knownFingerprints: readonly string[]
  readonly knownLines: readonly { readonly logger: string; readonly begins: string }[]
  readonly servingOnly: boolean
}

/**
 * What says that the candidate itself cannot serve: loading, the registry, pages and bundles. Beside it production has
 * scheduled jobs, and that one fails (a mail server is away) is no reason to put production's data back; a rehearsal has
 * no secrets and no way out.
 */
const serving =
  /^(?:odoo\.(?:modules|registry|schema|http)\b|werkzeug$|odoo\.addons\.base\.models\.(?:assetsbundle|ir_asset|ir_qweb|ir_ui_view|ir_http)$)/
const bundles = /^odoo\.addons\.base\.models\.(?:assetsbundle|ir_asset|ir_qweb)$/

const maxKinds = 50

/**
 * A runtime's log: errors since it began to load, warnings since the checks began. `ERROR` and `CRITICAL` are errors,
 * where `rules` say so only those of what serves; the rest is a warning, and what is known is neither.
 *
 * @param since Docker's timestamp.
 */
export function judgeRuntimeLog(lines: readonly ContainerLine[], since: string, rules: LogRules): LogVerdict {
  return judge(lines, rules, (record, time) => {
    if (record.level !== 'WARNING') return kindOfError(record, rules)
    return time >= since ? 'warnings' : undefined
  })
}

/**
 * The log of an inspection. What loading warns of is said by the update already; what goes wrong with a bundle is in what
 * the bundle became, and a warning here.
 */
export function judgeInspectionLog(lines: readonly ContainerLine[], rules: LogRules): LogVerdict {
  return judge(lines, rules, (record) => {
    if (bundles.test(record.logger)) return 'warnings'
    return record.level === 'WARNING' ? undefined : kindOfError(record, rules)
  })
}

type Kind = 'errors' | 'warnings'

const kindOfError = ({ logger }: LogRecord, { servingOnly }: LogRules): Kind =>
  servingOnly && !serving.test(logger) ? 'warnings' : 'errors'

function judge(
  lines: readonly ContainerLine[],
  rules: LogRules,
  kindOf: (record: LogRecord, time: string) => Kind | undefined,
): LogVerdict {
  const found = { errors: new Set<string>(), warnings: new Set<string>(), known: new Set<string>() }
  const isKnown = createKnown(rules)
  const trace = createTraceReader()
  // A record is handed on when the next one begins.
  let [time, next] = ['', '']
  const parser = createRecordParser((record) => {
    if (['WARNING', 'ERROR', 'CRITICAL'].includes(record.level) && !isHarmless(record)) {
      const kind = kindOf(record, time)
      const list = kind && found[isKnown(record) ? 'known' : kind]
      if (list && list.size < maxKinds) list.add(describe(record))
    }
    time = next
  })
  for (const { text, timestamp } of lines) {
    next = timestamp
    parser.line(text)
    trace.line(text)
    time ||= timestamp
  }
  parser.end()
  const { issues } = trace.trace()
  return { errors: [...found.errors], warnings: [...found.warnings], known: found.known.size, issues }
}

function createKnown({ knownFingerprints, knownLines }: LogRules): (record: LogRecord) => boolean {
  const fingerprints = new Set(knownFingerprints)
  const declared = knownLines.map(({ logger, begins }) => ({ logger, begins: normalize(begins) }))
  return (record) =>
    fingerprints.has(fingerprintOf(record)) ||
    declared.some(
      ({ logger, begins }) => logger === record.logger && normalize(record.message).startsWith(begins),
    )
}

/** `odoo.http: Exception during request handling. (KeyError: 'x' (sale_x/controllers/main.py:7))`, of what it comes from. */
function describe(record: LogRecord): string {
  const exception = findCause(record.more)?.said ?? findException(record)
  const message = record.message.replace(/\s+/g, ' ').trim().slice(0, 300)
  return `${record.logger}: ${message}${exception ? ` (${exception.slice(0, 300)})` : ''}`
}
