import { usageError } from './errors.ts'

/** `[project] <member>`. Throws a usage error. */
export function parseMemberWords(words: readonly string[]): { project: string; member: string } {
  const [first = '', second, more] = words
  if (more !== undefined) throw usageError('Give [project] <member>: fairway member … acme ana@example.com')
  return second === undefined ? { project: '', member: first } : { project: first, member: second }
}
