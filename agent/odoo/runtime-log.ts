import type { ContainerLine } from '../containers/log-frames.ts'
import { createRecordParser, findException, type LogRecord } from './log-records.ts'

/** Lines of a runtime's log that keep it from being green, each kind once. Plain JSON. */
export interface LogVerdict {
  errors: string[]
  warnings: string[]
}

interface Harmless {
  readonly logger: RegExp
  /** How the message begins; empty: any. */
  readonly begins: string
  readonly why: string
}

/** What Odoo says of itself as a warning or error and what is no fault of a candidate. */
const harmless: readonly Harmless[] = [
  { logger: /^py\.warnings$/, begins: '', why: 'Python and Odoo tell developers what will go away' },
  {
    logger: /^odoo\.addons\.base\.models\.assetsbundle$/,
    begins: 'You need https://rtlcss.com/',
    why: 'the image has no rtlcss: pages in Arabic or Hebrew are laid out from left to right',
  },
  {
    logger: /^odoo\.addons\.base\.models\.assetsbundle$/,
    begins: "'Could not get content for mail/static/lib/selfie_segmentation/",
    why: 'Debian leaves it out, as it has no source: blurred backgrounds in calls',
  },
  {
    logger: /^odoo\.addons\.base\.models\.ir_actions_report$/,
    begins: 'You need Wkhtmltopdf',
    why: 'the image makes no PDF',
  },
  {
    logger: /^odoo\.tools\.config$/,
    begins: 'option ',
    why: 'a folder of addons that an image leaves empty',
  },
  {
    logger: /^odoo\.addons\.rpc\.controllers\b/,
    begins: 'The /',
    why: 'a way in that Odoo will close in a later series',
  },
]

/**
 * What says that the candidate itself cannot serve: loading, the registry, pages and bundles. In production scheduled jobs
 * run beside the checks, and that one of them fails (a mail server is away) is no reason to put production's data back.
 */
const serving =
  /^(?:odoo\.(?:modules|registry|schema|http)\b|werkzeug$|odoo\.addons\.base\.models\.(?:assetsbundle|ir_asset|ir_qweb|ir_ui_view|ir_http)$)/
const bundles = /^odoo\.addons\.base\.models\.(?:assetsbundle|ir_asset|ir_qweb)$/

const maxKinds = 50

/**
 * A runtime's log: errors since it began to load, warnings since the checks began. `ERROR` and `CRITICAL` are errors, with
 * jobs beside only those of what serves; the rest is a warning.
 *
 * @param since Docker's timestamp.
 */
export function judgeRuntimeLog(lines: readonly ContainerLine[], since: string, jobs: boolean): LogVerdict {
  return judge(lines, ({ level, logger }, time) => {
    if (level !== 'WARNING') return jobs && !serving.test(logger) ? 'warnings' : 'errors'
    return time >= since ? 'warnings' : undefined
  })
}

/**
 * The log of an inspection. What loading warns of is said by the update already; what goes wrong with a bundle is in what
 * the bundle became, and a warning here.
 */
export function judgeInspectionLog(lines: readonly ContainerLine[]): LogVerdict {
  return judge(lines, ({ level, logger }) => {
    if (bundles.test(logger)) return 'warnings'
    return level === 'WARNING' ? undefined : 'errors'
  })
}

function judge(
  lines: readonly ContainerLine[],
  kindOf: (record: LogRecord, time: string) => keyof LogVerdict | undefined,
): LogVerdict {
  const found = { errors: new Set<string>(), warnings: new Set<string>() }
  // A record is handed on when the next one begins.
  let [time, next] = ['', '']
  const parser = createRecordParser((record) => {
    if (['WARNING', 'ERROR', 'CRITICAL'].includes(record.level) && !isHarmless(record)) {
      const kind = kindOf(record, time)
      if (kind && found[kind].size < maxKinds) found[kind].add(describe(record))
    }
    time = next
  })
  for (const { text, timestamp } of lines) {
    next = timestamp
    parser.line(text)
    time ||= timestamp
  }
  parser.end()
  return { errors: [...found.errors], warnings: [...found.warnings] }
}

function isHarmless({ logger, message }: LogRecord): boolean {
  return harmless.some((known) => known.logger.test(logger) && message.startsWith(known.begins))
}

/** `odoo.http: Exception during request handling. (KeyError: 'x')` */
function describe(record: LogRecord): string {
  const exception = findException(record)
  const message = record.message.replace(/\s+/g, ' ').trim().slice(0, 300)
  return `${record.logger}: ${message}${exception ? ` (${exception.slice(0, 300)})` : ''}`
}
