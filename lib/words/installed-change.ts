import { listShort } from './list-short.ts'

const most = 5

/**
 * What people changed in a database, by the modules it had and has: `crate_old was uninstalled`, `a, b were installed`; empty
 * where it has the same ones.
 */
export function installedChange(before: Iterable<string>, after: Iterable<string>): string {
  const [was, is] = [new Set(before), new Set(after)]
  const parts = [
    ...said(
      [...is].filter((name) => !was.has(name)),
      'installed',
    ),
    ...said(
      [...was].filter((name) => !is.has(name)),
      'uninstalled',
    ),
  ]
  return parts.join('; ')
}

const said = (names: readonly string[], what: string): string[] =>
  names.length > 0 ? [`${listShort(names, most)} ${names.length === 1 ? 'was' : 'were'} ${what}`] : []
