/** A column of a report, in all its forms. */
export interface ReportColumn<Row> {
  /** Its name in CSV. */
  readonly key: string
  /** In the table and on the page; without one it is in CSV only. */
  readonly title?: string
  /** Whole and exact: what CSV holds. Times are RFC 3339. */
  readonly value: (row: Row) => string
  /** For people, where that is shorter. */
  readonly short?: (row: Row) => string
  readonly align?: 'right'
  /** Never cut in a table: what people copy. */
  readonly whole?: boolean
}

/** A report before anybody decided what it is to look like. */
export interface Report<Row> {
  readonly title: string
  /** One sentence: what is in it and what is not. */
  readonly about: string
  readonly columns: readonly ReportColumn<Row>[]
  readonly rows: readonly Row[]
  /** Said first: what somebody has to look after. */
  readonly alerts: readonly string[]
  /** How to check a line of it, one command each with what it does. */
  readonly checks: readonly (readonly [command: string, does: string])[]
}

/** Where a report comes from. */
export interface Origin {
  readonly organization: string
  readonly server: string
  /** Empty: all. */
  readonly project: string
  readonly from: Date
  readonly to: Date
  readonly madeAt: Date
  readonly madeBy: string
}

export const evidenceCheck = [
  'fairway evidence pull PROJECT/BUILD -o bundle/ && sh bundle/verify.sh --key-sha256 FINGERPRINT',
  'the signed statements, logs and approvals behind a line, checked with sh and openssl alone',
] as const
export const auditCheck = [
  'fairway audit export -o audit.jsonl && fairway audit verify audit.jsonl',
  'that no event of the audit log was changed, put in or left out',
] as const
