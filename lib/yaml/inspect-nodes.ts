import { isAlias, isMap, isNode, isPair, isScalar, isSeq } from 'yaml'

export interface YamlFault {
  /** Where in the text. */
  readonly offset: number
  /** One line. */
  readonly message: string
}

/** What an alias stands for is looked for among all of them. */
const mostReferences = 200

/** Keys that a map has twice, and more anchors and aliases than are read. Each node is seen once, without recursion. */
export function inspectNodes(root: unknown): YamlFault[] {
  const faults: YamlFault[] = []
  const pending: unknown[] = [root]
  let references = 0
  while (pending.length > 0) {
    const node = pending.pop()
    if (!isNode(node)) continue
    if (isAlias(node) || node.anchor !== undefined) {
      references++
      if (references === mostReferences + 1)
        faults.push({
          offset: node.range?.[0] ?? 0,
          message: `more than ${mostReferences} anchors and aliases`,
        })
    }
    if (isSeq(node)) pushAll(pending, node.items)
    if (!isMap(node)) continue
    const seen = new Set<unknown>()
    for (const pair of node.items) {
      if (!isPair(pair)) continue
      const { key, value } = pair
      if (isScalar(key)) {
        if (seen.has(key.value))
          faults.push({ offset: key.range?.[0] ?? 0, message: 'Map keys must be unique' })
        seen.add(key.value)
      }
      pending.push(value, key)
    }
  }
  return faults.sort((a, b) => a.offset - b.offset)
}

function pushAll(pending: unknown[], items: readonly unknown[]): void {
  for (let index = items.length - 1; index >= 0; index--) pending.push(items[index])
}
