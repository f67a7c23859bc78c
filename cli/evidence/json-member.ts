import { BadMember, type Members, requireMember } from './bad-member.ts'

/** The member as a JSON object; what is in it is its author's word. Throws BadMember. */
export function readObject(members: Members, path: string): Record<string, unknown> {
  const value = parseMember(requireMember(members, path), path)
  if (!isObject(value)) throw new BadMember(path, 'no JSON object')
  return value
}

/** The list of objects that the member has under the name; none is an empty one. Throws BadMember. */
export function listIn<T extends object>(members: Members, path: string, name: string): readonly T[] {
  const { [name]: list = [] } = readObject(members, path)
  if (!Array.isArray(list) || !list.every(isObject))
    throw new BadMember(path, `${name} is no list of objects`)
  return list as T[]
}

export function parseMember(bytes: Buffer, path: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new BadMember(path, `no JSON (${(error as Error).message})`)
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
