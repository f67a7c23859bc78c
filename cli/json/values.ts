import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'

/** RFC 3339, or null. */
export const timeOf = (time: Timestamp | undefined): string | null =>
  time ? timestampDate(time).toISOString() : null

/** Empty text as null. */
export const textOf = (text: string): string | null => text || null

export const numberOf = (value: bigint): number => Number(value)

/** The name of an enum's value, lower-case with dashes; null for UNSPECIFIED and for one we don't know. */
export function wordOf(names: Record<number, string>, value: number): string | null {
  const name = names[value]
  return !name || name === 'UNSPECIFIED' ? null : name.toLowerCase().replaceAll('_', '-')
}
