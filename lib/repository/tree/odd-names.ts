/** An entry of a tree whose name is not UTF-8. */
export interface OddName {
  /** As far as it can be told in UTF-8. */
  path: string
  /** With its odd bytes as `\xe9`. */
  shown: string
}

/** What stands in a name for bytes that are no UTF-8. */
export const replaced = '\ufffd'

/** What is UTF-8 as it is, other bytes by their numbers. */
export function showBytes(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((size) => !bytes.toString('utf8', at, at + size).includes(replaced))
    if (length === undefined) text += `\\x${bytes[at]!.toString(16).padStart(2, '0')}`
    else text += bytes.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return text
}
