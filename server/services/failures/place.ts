/** Where the addons of a build are in its repository: name → folder. */
export type AddonFolders = ReadonlyMap<string, string>

/** A line of a file, by its path in the repository. */
export interface Place {
  readonly path: string
  readonly line: number
}

/**
 * Where a failure comes from: the place that its reason names, `(shop/models/order.py:9, at shop/views/order.xml:3)`, else
 * the last line of the project's own code in the traceback.
 */
export function findPlace(
  said: string,
  exception: readonly string[],
  folders: AddonFolders,
): Place | undefined {
  const named = [...said.matchAll(/([\w./-]{3,300}):(\d{1,7})\b/g)].flatMap(([, path = '', line = '']) => {
    const found = inRepository(path, folders)
    return found ? [{ path: found, line: Number(line) }] : []
  })
  if (named[0]) return named[0]
  for (const text of exception.toReversed()) {
    const [, file = '', line = ''] = /^\s{1,8}File "([^"]{1,500})", line (\d{1,7})/.exec(text) ?? []
    const path = inRepository(file, folders)
    if (path) return { path, line: Number(line) }
  }
  return undefined
}

/** `/mnt/extra-addons/shop/models/order.py` is `addons/shop/models/order.py`; undefined where it is in no own addon. */
function inRepository(path: string, folders: AddonFolders): string | undefined {
  const parts = path.split('/')
  const at = parts.findLastIndex((part, index) => index < parts.length - 1 && folders.has(part))
  if (at < 0) return undefined
  return [folders.get(parts[at] ?? ''), ...parts.slice(at + 1)].filter(Boolean).join('/')
}
