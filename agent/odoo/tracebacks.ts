/** A frame of a traceback. */
export interface Frame {
  path: string
  line: number
}

/** One exception of a chain. */
export interface Raised {
  /** `UndefinedColumn`, without the packages it is in. */
  name: string
  /** As its author wrote it, with all its lines. */
  message: string
  /** Outermost first. */
  frames: Frame[]
  /** How the one after it came to be: raised from it, or while it was handled. */
  leadsOnBy: 'cause' | 'context' | undefined
}

const begin = 'Traceback (most recent call last)'
const links = new Map([
  ['The above exception was the direct cause of the following exception:', 'cause'],
  ['During handling of the above exception, another exception occurred:', 'context'],
] as const)

/** The exceptions of a traceback as Python prints them, innermost first. */
export function parseTraceback(lines: readonly string[]): Raised[] {
  const chain: Raised[] = []
  let at = lines.findIndex((line) => line.startsWith(begin))
  while (at >= 0 && at < lines.length) {
    const { raised, next } = parseOne(lines, at + 1)
    chain.push(raised)
    at = next
  }
  return chain.filter(({ name }) => name !== '')
}

function parseOne(lines: readonly string[], from: number): { raised: Raised; next: number } {
  const raised: Raised = { name: '', message: '', frames: [], leadsOnBy: undefined }
  let at = from
  // Frames and their code are indented.
  for (; at < lines.length && /^\s/.test(lines[at] ?? ''); at++) {
    const frame = /^ {2}File "([^"\n]{1,500})", line (\d{1,7})/.exec(lines[at] ?? '')
    if (frame) raised.frames.push({ path: frame[1]!, line: Number(frame[2]) })
  }
  const message: string[] = []
  for (; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const link = links.get(line.trim() as Parameters<typeof links.get>[0])
    if (link === undefined && !line.startsWith(begin)) {
      message.push(line)
      continue
    }
    raised.leadsOnBy = link
    while (at < lines.length && !lines[at]?.startsWith(begin)) at++
    break
  }
  const text = message.join('\n').trim()
  const named = /^([A-Za-z_][\w.]{0,200})(?:: ?|$)/m.exec(text)
  if (named && named.index === 0) {
    raised.name = named[1]!.replace(/^.*\./, '')
    raised.message = text.slice(named[0].length).trim()
  }
  return { raised, next: at }
}

/**
 * Where in which module a path of an image is: below the last folder of addons in it. `inOdoo`: it is the folder that Odoo's
 * own modules are in, and addons of wheels as well.
 */
export function placeInModule(path: string): { module: string; file: string; inOdoo: boolean } | undefined {
  const folders = path.split('/')
  const addons = folders.findLastIndex(
    (folder, index) => /addons$/.test(folder) && index < folders.length - 2,
  )
  const module = folders[addons + 1]
  if (addons < 0 || module === undefined || !/^\w+$/.test(module)) return undefined
  return {
    module,
    file: folders.slice(addons + 1).join('/'),
    inOdoo: folders[addons - 1] === 'odoo' && folders[addons] === 'addons',
  }
}
