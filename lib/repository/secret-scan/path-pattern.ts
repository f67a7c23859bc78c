/**
 * What a pattern of paths stands for: `*` any name or part of one, `?` one character of it, `**` as a whole part any
 * number of folders. Names that begin with a dot are as good as any. May be slow to match: only for the scanner's thread.
 */
export function pathPattern(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\/?\*\*$|\*+|\?|[^\w/]/g, (part) => {
    if (part === '**/') return '(?:[^/]+/)*'
    if (part.endsWith('**')) return part.startsWith('/') ? '/.+' : '.+'
    if (part.startsWith('*')) return '[^/]*'
    return part === '?' ? '[^/]' : `\\${part}`
  })
  return new RegExp(`^${source}$`, 's')
}
