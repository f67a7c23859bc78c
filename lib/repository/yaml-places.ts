import { isMap, isNode, isScalar, type Document as YamlDocument } from 'yaml'

type Path = readonly (string | number)[]

/** Where a value stands, or the closest thing around it that exists. */
export function valueOffset(document: YamlDocument, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

export function keyOffset(document: YamlDocument, path: Path, key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true)
  if (!isMap(map)) return valueOffset(document, path)
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
  return pair && isNode(pair.key) && pair.key.range ? pair.key.range[0] : valueOffset(document, path)
}

/** Where the keys of the document's own map stand, each by its text; a key that came with another map has no place. */
export function keyOffsets({ contents }: YamlDocument): ReadonlyMap<string, number> {
  if (!isMap(contents)) return new Map()
  return new Map(
    contents.items.flatMap(({ key }) =>
      isScalar(key) && key.range ? [[String(key.value), key.range[0]] as const] : [],
    ),
  )
}
