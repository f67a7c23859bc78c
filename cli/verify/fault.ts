/** Something in an audit log that is not as it was signed. */
export interface Fault {
  /** First index of the log that it concerns; undefined where only the file's frame is damaged. */
  readonly index?: number
  readonly kind: 'edited' | 'deleted' | 'reordered' | 'cut' | 'forked' | 'unsigned' | 'damaged'
  readonly message: string
}
