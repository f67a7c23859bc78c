import type { Secrets } from '../tasks/task.ts'

/** Where packages come from, and what to present there. */
export interface PythonIndex {
  /** Empty: the index that the image's pip knows. */
  readonly url: string
  /** For pip; empty where there is nothing to present. Secret. */
  readonly netrc: string
}

/**
 * Out of a task's secrets: `python:pypi.example/USERNAME` and `python:pypi.example/PASSWORD` are for that host alone, and
 * for http only where the port is named, as anybody on the way would read them.
 */
export function pythonIndexOf(url: string, secrets: Secrets): PythonIndex {
  if (url === '') return { url, netrc: '' }
  const { host: written, hostname, port, protocol } = new URL(url)
  const host = protocol === 'http:' && port === '' ? `${hostname}:80` : written
  const password = secrets[`python:${host}/PASSWORD`]
  if (password === undefined) return { url, netrc: '' }
  const username = secrets[`python:${host}/USERNAME`] ?? '__token__'
  return { url, netrc: `machine ${hostname} login ${quote(username)} password ${quote(password)}\n` }
}

/** As Python's netrc reads it: a backslash takes what follows as it is. */
const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
