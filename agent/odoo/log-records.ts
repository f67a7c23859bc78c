/** One message of Odoo's log, with the lines (traceback, SQL) that follow its first one. */
export interface LogRecord {
  level: string
  /** `odoo.addons.sale_x.tests.test_price` */
  logger: string
  message: string
  /** Lines after the first. At most 1,000 are kept: the first 600 (the innermost exception) and the last 400. */
  more: string[]
}

const head =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d+ (DEBUG|INFO|WARNING|ERROR|CRITICAL|RUNBOT) \S+ ([\w.-]+): ?(.*)$/
const kept = { first: 600, last: 400 }

/**
 * Puts Odoo's output together to records. Lines before the first record (an entrypoint, a crash of the interpreter)
 * make a record without logger.
 */
export function createRecordParser(onRecord: (record: LogRecord) => void): {
  line(text: string): void
  end(): void
} {
  let current: LogRecord | undefined
  const flush = () => {
    if (current) onRecord(current)
    current = undefined
  }
  return {
    line(text) {
      const match = head.exec(text)
      if (match) {
        flush()
        current = { level: match[1]!, logger: match[2]!, message: match[3]!, more: [] }
        return
      }
      current ??= { level: '', logger: '', message: '', more: [] }
      current.more.push(text)
      if (current.more.length > kept.first + kept.last) current.more.splice(kept.first, 1)
    },
    end: flush,
  }
}

/** The last line of a traceback that names the exception: `psycopg2.errors.UndefinedColumn: column … does not exist`. */
export function findException(record: LogRecord): string | undefined {
  const start = record.more.findLastIndex((line) => line.startsWith('Traceback (most recent call last)'))
  if (start < 0) return undefined
  return record.more
    .slice(start + 1)
    .find((line) => /^[A-Za-z_][\w.]*(: |$)/.test(line))
    ?.trim()
}
