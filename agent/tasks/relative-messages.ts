import { realpath } from 'node:fs/promises'
import { showManifests } from '../../lib/repository/sources/source-names.ts'
import type { TaskContext } from './task.ts'

/** Characters of a path's segments: a known path among them is a part of another one. */
const begins = /(?:[^\p{L}\p{N}_.~%+@/-]|file:\/\/|(?:^|[\s"'=(:])-[A-Za-z])$/u
const ends = /^\.*(?:[^\p{L}\p{N}_.~%+@-]|$)/u
/** After a slash: a name follows. */
const goesOn = /^\/[^\s"'`:,;)\]}>]/

/**
 * Makes what people read name files as the repository has them, or the one that brings them: no path of this host is theirs
 * to know, or of use to them. `directory` is a task's, below `workDirectory`; both are there, under whatever links lead to them.
 */
export async function createRelative(
  workDirectory: string,
  directory: string,
): Promise<(text: string) => string> {
  const [realWork, realDirectory] = await Promise.all([realpath(workDirectory), realpath(directory)])
  const roots = [...new Set([workDirectory, realWork])]
  const known = [
    ...[directory, realDirectory].map((path) => [`${path}/source`, 'the repository'] as const),
    ...[directory, realDirectory].map((path) => [path, 'the task'] as const),
    ...roots.map((path) => [path, 'the agent'] as const),
  ]
  return (text) => {
    if (!roots.some((path) => text.includes(path))) return showManifests(text)
    // The longest first.
    return showManifests(known.reduce((rest, [path, name]) => withoutPath(rest, path, name), text))
  }
}

/** What is below `path` by its way from there, and the folder itself by its name. */
function withoutPath(text: string, path: string, name: string): string {
  let made = ''
  let from = 0
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, from)) {
    const end = at + path.length
    const after = text.slice(end, end + 100)
    const isWhole = (at === 0 || begins.test(text.slice(Math.max(0, at - 8), at))) && ends.test(after)
    const isAbove = isWhole && goesOn.test(after)
    made += text.slice(from, at) + (isAbove ? '' : isWhole ? name : path)
    from = isWhole && after.startsWith('/') ? end + 1 : end
  }
  return made + text.slice(from)
}

/** The context with relative messages. */
export function relativeContext(context: TaskContext, relative: (text: string) => string): TaskContext {
  return {
    ...context,
    log: (source, text, time) => context.log(source, relative(text), time),
    logFrom: (source, text, position, cut) => context.logFrom(source, relative(text), position, cut),
    warn: (text) => context.warn(relative(text)),
  }
}

/** The same error with a relative message: whoever catches it goes by its class and code, and its stack is for us. */
export function relativeError(error: unknown, relative: (text: string) => string): unknown {
  if (!(error instanceof Error)) return error
  const value = relative(error.message)
  // Some have a message that can only be laid over.
  if (value !== error.message)
    Reflect.defineProperty(error, 'message', { value, writable: true, configurable: true, enumerable: false })
  return error
}
