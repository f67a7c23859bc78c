import { mapTexts } from './map-texts.ts'

/** What somebody else wrote, on one line, without anything that a terminal would act on, and not longer than that. */
export function plain(text: string, longest: number): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest).toWellFormed()}…` : line
}

/** The same of every text in a message: of what a tenant's database or program says, nothing gets further raw. */
export const plainTexts = <T>(value: T, longest: number): T => mapTexts(value, (text) => plain(text, longest))
