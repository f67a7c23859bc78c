import { TaskError } from '../../faults/task-error.ts'

/** What a repository has under a path. */
export interface TreeFile {
  readonly path: string
  readonly sizeBytes: number
}

const limits = { entries: 200_000, bytes: 4 * 1024 ** 3, pathLength: 1000 }

/** @throws TaskError `repository-too-large`. */
export function requireSaneTree(entries: readonly TreeFile[]): void {
  if (entries.length > limits.entries) throw tooLarge(`${entries.length} files`)
  const bytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0)
  if (bytes > limits.bytes) throw tooLarge(`${Math.round(bytes / 1024 ** 2)} MiB of files`)
  const long = entries.find((entry) => entry.path.length > limits.pathLength)
  if (long) throw tooLarge(`a path of ${long.path.length} characters, ${long.path.slice(0, 60)}…`)
}

export function tooLarge(what: string): TaskError {
  return new TaskError('repository-too-large', `the repository is too large to build: ${what}`)
}
