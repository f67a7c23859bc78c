import { isSlug } from '../services/projects/project-fields.ts'

/** Where a forge writes which repository a delivery is of: an object of the payload itself, and two keys of that object. */
export interface RepositoryPlace {
  readonly object: string
  readonly slug: string
  readonly id: string
}

/** A repository as bytes name it that nobody has vouched for yet. */
export interface NamedRepository {
  /** As it is written. */
  readonly slug: string | undefined
  /** A positive number, or Bitbucket's `{uuid}`. */
  readonly id: string | undefined
}

export interface RepositoryScan {
  /** The next bytes of the body. */
  readonly write: (chunk: Buffer) => void
  readonly found: () => NamedRepository
}

const codeOf = (character: string): number => character.charCodeAt(0)
const [quote, backslash, colon, comma] = [codeOf('"'), codeOf('\\'), codeOf(':'), codeOf(',')]
const [openObject, closeObject, openList, closeList] = [codeOf('{'), codeOf('}'), codeOf('['), codeOf(']')]

/** Longer names and ids are none that we know. */
const maxTokenBytes = 500

/**
 * Finds the one repository that a body is of while it comes in: whose secret it has to be signed with is needed first, and
 * bytes that nobody has vouched for are not worth more than one pass. It looks at one place alone, so that neither a fork's
 * parent nor a commit's message is taken for it, and at nothing more once it was there. What is no JSON names nothing, or
 * anything: the payload is parsed once its signature holds.
 */
export function createRepositoryScan(place: RepositoryPlace): RepositoryScan {
  const names = {
    object: Buffer.from(place.object),
    slug: Buffer.from(place.slug),
    id: Buffer.from(place.id),
  }
  const values: { slug?: string; id?: string } = {}
  const token = Buffer.alloc(maxTokenBytes)
  let length = 0
  let key: keyof typeof names | undefined
  let depth = 0
  let isThere = false
  let isInString = false
  let isEscaped = false
  let isDone = false

  const keep = (byte: number) => {
    if (length < maxTokenBytes) token[length] = byte
    // One too many says that it is too long.
    length++
  }
  const isToken = (name: Buffer) => length === name.length && token.subarray(0, length).equals(name)
  const isInside = () => isThere && depth === 2

  const isKept = () => (depth === 1 || isInside()) && length <= maxTokenBytes

  const endKey = () => {
    if (depth === 1) key = isToken(names.object) ? 'object' : undefined
    else if (isInside()) key = isToken(names.slug) ? 'slug' : isToken(names.id) ? 'id' : undefined
    length = 0
  }
  const endValue = () => {
    if (isInside() && (key === 'slug' || key === 'id')) {
      values[key] ??= length <= maxTokenBytes ? token.toString('utf8', 0, length) : ''
      isDone = values.slug !== undefined && values.id !== undefined
    }
    key = undefined
    length = 0
  }
  const enter = (byte: number) => {
    if (depth === 0 && byte === openList) isDone = true
    if (depth === 1) isThere = key === 'object' && byte === openObject
    depth++
    key = undefined
  }
  const leave = () => {
    endValue()
    if (isInside()) isDone = true
    depth--
  }
  const takeOfString = (byte: number) => {
    if (byte === quote && !isEscaped) isInString = false
    else if (isKept()) keep(byte)
    isEscaped = byte === backslash && !isEscaped
  }
  const take = (byte: number) => {
    if (isInString) takeOfString(byte)
    else if (byte === quote) {
      isInString = true
      length = 0
    } else if (byte === openObject || byte === openList) enter(byte)
    else if (byte === closeObject || byte === closeList) leave()
    else if (byte === colon) endKey()
    else if (byte === comma) endValue()
    else if (byte > 0x20 && depth === 2 && isKept()) keep(byte)
  }
  return {
    write(chunk) {
      for (let at = 0; at < chunk.length && !isDone; at++) {
        // Most of a body is in strings that nobody looks into.
        if (isInString && !isEscaped && !isKept()) at = endOfPlain(chunk, at)
        if (at < chunk.length) take(chunk[at] as number)
      }
    },
    found: () => ({ slug: slugOf(values.slug), id: idOf(values.id) }),
  }
}

/** Where what stands for itself in a string ends, or the chunk does. */
function endOfPlain(chunk: Buffer, from: number): number {
  let at = from
  while (at < chunk.length && chunk[at] !== quote && chunk[at] !== backslash) at++
  return at
}

/** Some write `\/`. */
function slugOf(text: string | undefined): string | undefined {
  const slug = text?.replaceAll('\\/', '/')
  return slug !== undefined && isSlug(slug) ? slug : undefined
}

function idOf(text: string | undefined): string | undefined {
  return text !== undefined && /^([1-9]\d{0,15}|\{[0-9a-f-]{36}\})$/.test(text) ? text : undefined
}
