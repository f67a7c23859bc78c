/** What somebody else wrote, on one line, without anything that a terminal would act on, and not longer than that. */
export function plain(text: string, longest: number): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest).toWellFormed()}…` : line
}
