import { isPointer, pointerFault } from '../files/lfs-pointer.ts'
import { invalid, parseRequirements, type RequirementsLine } from './requirements-text.ts'

/** A file of requirements as it lies in a repository. `file` names it in errors. */
export const readRequirementsBytes = (content: Uint8Array, file: string): RequirementsLine[] =>
  parseRequirements(decodeRequirements(content, file), file)

type Decode = (content: Uint8Array) => string

const utf32 =
  (littleEndian: boolean): Decode =>
  (content) => {
    if (content.byteLength % 4 !== 0) throw new TypeError('cut off')
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
    const parts: string[] = []
    for (let at = 0; at < content.byteLength; at += 4) {
      const point = view.getUint32(at, littleEndian)
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) throw new TypeError('no character')
      parts.push(String.fromCodePoint(point))
    }
    return parts.join('')
  }

/** Throws RangeError for a label that is not known. */
function labelled(label: string): Decode {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true })
  return (content) => decoder.decode(content)
}

const utf8 = labelled('utf-8')
const latin1: Decode = (content) => Buffer.from(content).toString('latin1')
const ascii: Decode = (content) => {
  if (content.some((byte) => byte > 127)) throw new TypeError('no ASCII')
  return latin1(content)
}

/** As pip's BOMS: those of UTF-32 first, since the one of UTF-16 begins one of them. */
const marks: readonly (readonly [bytes: readonly number[], name: string, decode: Decode])[] = [
  [[0xef, 0xbb, 0xbf], 'UTF-8', utf8],
  [[0xff, 0xfe, 0, 0], 'UTF-32', utf32(true)],
  [[0, 0, 0xfe, 0xff], 'UTF-32', utf32(false)],
  [[0xff, 0xfe], 'UTF-16', labelled('utf-16le')],
  [[0xfe, 0xff], 'UTF-16', labelled('utf-16be')],
]

/** Names that Python's codecs have, where they differ from what the platform calls the same. */
const codecs: ReadonlyMap<string, Decode> = new Map([
  ['ascii', ascii],
  ['us-ascii', ascii],
  ['latin-1', latin1],
  ['latin1', latin1],
  ['iso-8859-1', latin1],
  ['iso8859-1', latin1],
  ['l1', latin1],
  ['utf-8-sig', utf8],
])

/**
 * The text of a file of requirements as pip reads it (`_decode_req_file`, before 24.3 `auto_decode`): by its byte order
 * mark, else by a comment such as `# -*- coding: latin-1 -*-` in the first two lines (PEP 263), else UTF-8. Where pip would
 * go on to guess by the host's locale, it is refused.
 */
export function decodeRequirements(content: Uint8Array, file: string): string {
  if (isPointer(content)) throw invalid(file, pointerFault)
  for (const [bytes, name, decode] of marks)
    if (bytes.every((byte, index) => content[index] === byte))
      return decoded(decode, content.subarray(bytes.length), `its byte order mark says ${name}`, file)
  if (content.includes(0))
    throw invalid(file, 'holds NUL characters, as UTF-16 without a byte order mark does: save it as UTF-8')
  const named = findCoding(content)
  if (named === undefined) return decoded(utf8, content, 'it is not UTF-8', file)
  return decoded(findCodec(named, file), content, `its first lines say ${named}`, file)
}

function findCoding(content: Uint8Array): string | undefined {
  const second = content.indexOf(10, content.indexOf(10) + 1)
  const lines = latin1(content.subarray(0, second < 0 ? undefined : second)).split('\n', 2)
  for (const line of lines)
    if (line.startsWith('#')) {
      const at = line.search(/coding[:=]/)
      const name = at < 0 ? undefined : /^coding[:=]\s*([-\w.]+)/.exec(line.slice(at, at + 200))?.[1]
      if (name !== undefined) return name
    }
  return undefined
}

function findCodec(name: string, file: string): Decode {
  const plain = name.toLowerCase().replaceAll('_', '-')
  const known = codecs.get(plain)
  if (known) return known
  try {
    return labelled(plain.replace(/^cp(125\d)$/, 'windows-$1').replace(/^iso8859-/, 'iso-8859-'))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw invalid(file, `is in the encoding ${name.slice(0, 40)}, which is not known: save it as UTF-8`)
  }
}

function decoded(decode: Decode, content: Uint8Array, why: string, file: string): string {
  try {
    return decode(content)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw invalid(file, `can't be read as text: ${why}: save it as UTF-8`)
  }
}
