import type { ColumnType } from 'kysely'

export type Time = ColumnType<Date, Date | string, Date | string>
export type TimeOrNull = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
export type Created = ColumnType<Date, Date | string | undefined, Date | string>
/** Written as JSON text, read as a value; whoever reads says what it is. */
export type Json = ColumnType<unknown, string, string>
export type JsonOrDefault = ColumnType<unknown, string | undefined, string>
export type JsonOrNull = ColumnType<unknown | null, string | null | undefined, string | null>
