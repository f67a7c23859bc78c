import { type OddName, replaced, showBytes } from '../../lib/repository/tree/odd-names.ts'
import type { Git } from './command.ts'
import type { FetchedCommit } from './mirrors.ts'
import type { TreeEntry } from './tree.ts'

/** The entries of a commit's tree whose names are not UTF-8: old Windows wrote them so, and git keeps any bytes. */
export async function listOddNames(
  git: Git,
  source: FetchedCommit,
  entries: readonly TreeEntry[],
  prefix: string,
  signal: AbortSignal,
): Promise<OddName[]> {
  if (!entries.some(({ path }) => path.includes(replaced))) return []
  // Without -z git writes bytes beyond ASCII as `\351`, in quotes.
  const args = ['-c', 'core.quotePath=true', 'ls-tree', '-r', '--name-only', '--full-tree', source.commit]
  const { stdout } = await git(args, { gitDir: source.gitDir, signal, keepBytes: 64 * 1024 ** 2 })
  return stdout.split('\n').flatMap((line) => {
    if (!line.startsWith('"')) return []
    const bytes = unquote(line.slice(1, -1))
    const path = bytes.toString('utf8')
    if (Buffer.from(path).equals(bytes)) return []
    return [{ path: prefix + path, shown: prefix + showBytes(bytes) }]
  })
}

const escapes: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function unquote(text: string): Buffer {
  const plain = text.replace(/\\(?:([0-7]{3})|(.))/g, (_, octal: string | undefined, other: string) =>
    octal ? String.fromCharCode(Number.parseInt(octal, 8)) : (escapes[other] ?? other),
  )
  return Buffer.from(plain, 'latin1')
}
