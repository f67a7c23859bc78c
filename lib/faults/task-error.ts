/** A failure that people read: one line that says what is wrong and what to do next. */
export class TaskError extends Error {
  override name = 'TaskError'
  /** Stable, kebab-case: `manifest-invalid`, `disk-full`. */
  readonly reason: string
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
