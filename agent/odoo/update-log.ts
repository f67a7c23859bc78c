import { type Cause, findCause, type Loading, type OwnModules } from './cause.ts'
import { createRecordParser, findException, type LogRecord } from './log-records.ts'

/** What the log of `odoo -i … -u … --stop-after-init` says about how it went. Plain JSON. */
export interface UpdateLog {
  tests?: { total: number; failed: number; errors: number }
  /** `sale_x: TestPrice.test_total: AssertionError: 1 != 2` */
  failures: string[]
  unknownModules: string[]
  notLoadedModules: string[]
  /** `a depends on b, which is not available` */
  missingDependency?: string
  /** Last exception of the log. */
  exception?: string
  /** What it comes from. */
  cause?: Cause
  /** Last words of a process that did not get as far as logging. */
  lastLine: string
}

const maxFailures = 100
const maxNames = 1_000

/** Reads such a log line by line; `finish` answers with what was found. */
export function createUpdateLogReader(ownModules?: OwnModules): {
  line(text: string): void
  finish(): UpdateLog
} {
  const found: UpdateLog = { failures: [], unknownModules: [], notLoadedModules: [], lastLine: '' }
  let loading: Loading = {}
  const parser = createRecordParser((record) => {
    loading = follow(record, loading)
    read(record, found, loading, ownModules)
  })
  return {
    line(text) {
      if (text.trim()) found.lastLine = text.slice(0, 500)
      parser.line(text)
    },
    finish() {
      parser.end()
      return found
    },
  }
}

/** `odoo.modules.loading` says which module and which of its files come next. */
function follow({ logger, message }: LogRecord, loading: Loading): Loading {
  if (!logger.startsWith('odoo.modules.loading')) return loading
  const module = /^Loading module (\w{1,100}) \(/.exec(message)?.[1]
  if (module !== undefined) return { module }
  const file = /^loading (\w{1,100}\/[^\n]{1,300})/.exec(message)?.[1]?.trim()
  return file === undefined ? loading : { ...loading, file }
}

function read(record: LogRecord, found: UpdateLog, loading: Loading, ownModules?: OwnModules): void {
  const { message } = record
  readTests(record, found)
  const unknown = behind(message, 'invalid module names, ignored: ')
  if (unknown !== undefined) addNames(found.unknownModules, unknown)
  const notLoaded = behind(message, 'Some modules are not loaded, ')
  const colon = notLoaded?.lastIndexOf(': ') ?? -1
  if (notLoaded !== undefined && colon >= 0) addNames(found.notLoadedModules, notLoaded.slice(colon))
  const exception = findException(record)
  // Odoo ends by an error; of others it makes the best, and says so by a warning.
  if (!exception || isTestFailure(record) || record.level === 'WARNING') return
  const missing = /You try to install module "?(\w+)"? that depends on module "?(\w+)"?/.exec(exception)
  if (missing) found.missingDependency = `${missing[1]} depends on ${missing[2]}, which is not available`
  found.exception = exception.slice(0, 1000)
  const cause = findCause(record.more, loading, ownModules)
  if (cause) found.cause = cause
}

function readTests(record: LogRecord, found: UpdateLog): void {
  const counts =
    record.logger === 'odoo.tests.result' &&
    /(?<!\d)(\d+) failed, (\d+) error\(s\) of (\d+) tests/.exec(record.message)
  if (counts) {
    const [failed = 0, errors = 0, total = 0] = counts.slice(1).map(Number)
    found.tests = { failed, errors, total }
  }
  if (!isTestFailure(record) || found.failures.length >= maxFailures) return
  const test = record.message.replace(/^(FAIL|ERROR): /, '')
  const module = /^odoo\.addons\.(\w+)/.exec(record.logger)?.[1]
  const why = findException(record) ?? record.more.findLast((line) => line.trim())?.trim()
  found.failures.push([module, test, why].filter(Boolean).join(': ').slice(0, 500))
}

function isTestFailure({ level, message }: LogRecord): boolean {
  return level === 'ERROR' && /^(FAIL|ERROR): /.test(message)
}

/** What stands behind the words, where they are there. */
function behind(message: string, words: string): string | undefined {
  const at = message.indexOf(words)
  return at < 0 ? undefined : message.slice(at + words.length)
}

function addNames(list: string[], text: string): void {
  for (const [name] of text.matchAll(/\w+/g)) {
    if (list.length >= maxNames) return
    list.push(name)
  }
}
