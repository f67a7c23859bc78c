import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf'

export interface MessageWith {
  /** `startRuntime.runtime.secrets` */
  readonly path: string
  readonly json: JsonObject
}

/** For each place in a message, however deep, where one of that type may stand: a message in which `value` stands there, as JSON. */
export function* messagesWith(
  desc: DescMessage,
  wanted: DescMessage,
  value: JsonObject,
  above: readonly DescMessage[] = [],
): Generator<MessageWith> {
  for (const field of desc.fields) {
    const below = messageOf(field)
    if (!below || above.includes(below)) continue
    const found =
      below.typeName === wanted.typeName
        ? [{ path: '', json: value }]
        : messagesWith(below, wanted, value, [...above, desc])
    for (const { path, json } of found)
      yield {
        path: [field.jsonName, path].filter(Boolean).join('.'),
        json: { [field.jsonName]: inField(field, json) },
      }
  }
}

function messageOf(field: DescField): DescMessage | undefined {
  if (field.fieldKind === 'message') return field.message
  if (field.fieldKind === 'list' && field.listKind === 'message') return field.message
  return field.fieldKind === 'map' && field.mapKind === 'message' ? field.message : undefined
}

function inField({ fieldKind }: DescField, json: JsonObject): JsonValue {
  if (fieldKind === 'list') return [json]
  return fieldKind === 'map' ? { key: json } : json
}
