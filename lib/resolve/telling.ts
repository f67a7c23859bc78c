/** How what reads a project's files tells what it finds, beside what it throws. */
export interface Telling {
  readonly signal: AbortSignal
  /** What people may want to know. */
  log(source: 'fairway', text: string): void
  /** What they should look at. */
  warn(text: string): void
}
