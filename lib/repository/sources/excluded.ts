import { matchesGlob } from './name-glob.ts'

/** Those of the paths that a pattern of `sources.exclude` leaves out. */
export const pathsExcludedBy = (patterns: readonly string[], paths: readonly string[]): string[] =>
  paths.filter((path) => patterns.some((pattern) => isExcluded(pattern, path)))

/** `web/web_x` of the addon at `web/web_x` or `web/addons/web_x`. */
function isExcluded(pattern: string, path: string): boolean {
  const cut = pattern.lastIndexOf('/')
  const [repository, name] = [pattern.slice(0, cut), pattern.slice(cut + 1)]
  return path.startsWith(`${repository}/`) && matchesGlob(name, path.split('/').at(-1) ?? '')
}
