type Json = Readonly<Record<string, unknown>>

/** What a part says of records from before versions. */
interface FormerPart {
  readonly fields: Json
  readonly former: Json
}

/**
 * Version 2 of a record of version 1, from before records had versions: it may lack what servers and agents came to know
 * later. What a part lacks while it has the rest of it, it gets as the part says. Of updates nobody noted what could not be
 * watched, and of rehearsals not when they were judged.
 */
export function completed(former: Json, parts: readonly FormerPart[]): Json {
  const record = { ...former }
  for (const part of parts)
    if (Object.keys(part.fields).some((name) => former[name] !== undefined))
      for (const [name, value] of Object.entries(part.former)) record[name] ??= value
  if (record.update) record.update = { omissions: [], ...(record.update as Json) }
  const rehearsal = record.rehearsal as (Json & { readonly update?: Json }) | undefined
  if (!rehearsal) return record
  const { update } = rehearsal
  const withOmissions = update && { update: { omissions: [], ...update } }
  return { ...record, rehearsal: { at: '', ...rehearsal, ...withOmissions } }
}
