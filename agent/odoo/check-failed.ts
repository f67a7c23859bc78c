/** A failed check; anything else that is thrown counts as failed as well, with its message. */
export class CheckFailed extends Error {
  override name = 'CheckFailed'
}
