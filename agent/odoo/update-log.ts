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
  /** `ParseError: while parsing /mnt/extra-addons/sale_x/views/a.xml:3, …` */
  parseError?: string
  /** Last exception of the log. */
  exception?: string
  /** Last words of a process that did not get as far as logging. */
  lastLine: string
}

const maxFailures = 100

/** Reads such a log line by line; `finish` answers with what was found. */
export function createUpdateLogReader(): { line(text: string): void; finish(): UpdateLog } {
  const found: UpdateLog = { failures: [], unknownModules: [], notLoadedModules: [], lastLine: '' }
  const parser = createRecordParser((record) => read(record, found))
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

function read(record: LogRecord, found: UpdateLog): void {
  const { message } = record
  readTests(record, found)
  const unknown = /invalid module names, ignored: (.*)$/.exec(message)
  if (unknown) found.unknownModules.push(...names(unknown[1]!))
  const notLoaded = /Some modules are not loaded, .*: (.*)$/.exec(message)
  if (notLoaded) found.notLoadedModules.push(...names(notLoaded[1]!))
  const exception = findException(record)
  if (!exception || isTestFailure(record)) return
  const missing = /You try to install module "?(\w+)"? that depends on module "?(\w+)"?/.exec(exception)
  if (missing) found.missingDependency = `${missing[1]} depends on ${missing[2]}, which is not available`
  found.exception = exception.slice(0, 1000)
  const parse = record.more.findLast((line) => /ParseError: while parsing/.test(line))
  if (parse) found.parseError = parse.replace(/^.*ParseError: /, 'ParseError: ').slice(0, 1000)
}

function readTests(record: LogRecord, found: UpdateLog): void {
  const counts = /(\d+) failed, (\d+) error\(s\) of (\d+) tests/.exec(record.message)
  if (counts && record.logger === 'odoo.tests.result') {
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

const names = (list: string) => list.match(/\w+/g) ?? []
