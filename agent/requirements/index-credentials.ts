import type { Secrets } from '../tasks/task.ts'

/** Where packages come from, and what to present there. */
export interface PythonIndex {
  /** Empty: the index that the image's pip knows. */
  readonly url: string
  /** Secret: for the index itself, and for nothing that runs in an image. */
  readonly login?: { readonly username: string; readonly password: string }
}

/**
 * Out of a task's secrets: `python:pypi.example/USERNAME` and `python:pypi.example/PASSWORD` are for that host alone, and
 * for http only where the port is named, as anybody on the way would read them.
 */
export function pythonIndexOf(url: string, secrets: Secrets): PythonIndex {
  if (url === '') return { url }
  const { host: written, hostname, port, protocol } = new URL(url)
  const host = protocol === 'http:' && port === '' ? `${hostname}:80` : written
  const password = secrets[`python:${host}/PASSWORD`]
  if (password === undefined) return { url }
  return { url, login: { username: secrets[`python:${host}/USERNAME`] ?? '__token__', password } }
}
