import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const page = readFileSync(fileURLToPath(new URL('../../docs/install.md', import.meta.url)), 'utf8')

/** Blocks of docs/install.md by name, as they are written. */
export const blocks: ReadonlyMap<string, string> = new Map(
  [...page.matchAll(/^```(?:sh|caddy) ([\w-]+)\n(.*?)\n```$/gms)].map(([, name = '', text = '']) => [
    name,
    text,
  ]),
)

/** Each is asked for by name, so that the test notices one that nobody runs. */
export function createBlockReader(replaced: Readonly<Record<string, string>>) {
  const read = new Set<string>()
  return {
    read: read as ReadonlySet<string>,
    /** With the names of this machine for those of the page. Throws where a name is not in any block. */
    block(name: string): string {
      const text = blocks.get(name)
      if (text === undefined) throw new Error(`docs/install.md has no block ${name}`)
      read.add(name)
      return Object.entries(replaced).reduce((so, [from, to]) => so.replaceAll(from, to), text)
    },
  }
}

const places = ['opt', 'etc', 'usr/local', 'var/lib']

/**
 * The same commands for a root of one's own, where they cannot be kept from the machine's. What names systemd is left out.
 * Throws unless every path has been moved: the page also removes things.
 */
export function relocate(text: string, root: string): string {
  const moved = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('systemctl ') && !line.includes('/systemd/'))
    .join('\n')
    .replaceAll(new RegExp(`(?<![\\w.-])/(${places.join('|')})(?=/)`, 'g'), `${root}/$1`)
    .replaceAll(/(?<![\w/.-])\/opt(?=\s|$)/g, `${root}/opt`)
  const left = moved.replaceAll(root, '').match(/(?<![\w.-])\/(?!opt|etc|usr\/local|var\/lib)\w+|~/)
  const bare = moved.replaceAll(`${root}/`, '').match(/(?<![\w.-])\/(opt|etc|usr|var)\b/)
  if (left || bare) throw new Error(`not moved into ${root}: ${(left ?? bare)?.[0]} in\n${moved}`)
  return moved
}
