import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { listNames, makeDirectory, writeDurably } from './durable.ts'
import type { Layout } from './layout.ts'
import { ignoreTampered } from './orphans.ts'
import { parseId, readCellRecord, readRecord } from './records.ts'

/** Who kept room and never came so far as to send visitors away does not keep it from others for ever. */
const keptForMs = 12 * 60 * 60_000

const schema = z.object({
  version: z.literal(1),
  bytes: z.int().min(0),
  at: z.iso.datetime(),
  /** Visitors are away: it is needed until they are back, however long that takes. */
  untilServed: z.literal(true).optional(),
})
type Kept = z.infer<typeof schema>

const directoryOf = (layout: Layout) => join(layout.root, 'way-back')
const file = (layout: Layout, cellId: string) => join(directoryOf(layout), `${parseId(cellId)}.json`)

/** Keeps room of the pool for putting a cell's data back, until `releaseWayBack`: other cells' copies leave it alone. */
export async function keepWayBack(layout: Layout, cellId: string, bytes: number): Promise<void> {
  await makeDirectory(directoryOf(layout))
  await write(layout, cellId, { version: 1, bytes, at: new Date().toISOString() })
}

/** Visitors of the environment are sent away: what is kept for its cells is so until `releaseWayBack`. Nothing kept is fine. */
export async function keepUntilServed(layout: Layout, environmentId: string): Promise<void> {
  const names = await listNames(directoryOf(layout))
  for (const id of names.filter((name) => name.endsWith('.json')).map((name) => basename(name, '.json'))) {
    const cell = await readCellRecord(layout.cell(id)).catch(ignoreTampered)
    if (cell?.environmentId !== environmentId) continue
    const kept = await readRecord(file(layout, id), schema)
    if (kept) await write(layout, id, { ...kept, untilServed: true })
  }
}

/** What is left to be kept once a part of it is used; nothing where nothing is kept. */
export async function shrinkWayBack(layout: Layout, cellId: string, bytes: number): Promise<void> {
  const kept = await readRecord(file(layout, cellId), schema)
  if (kept) await write(layout, cellId, { ...kept, bytes })
}

/** Nothing kept is fine, and so is a cell that is gone. */
export async function releaseWayBack(layout: Layout, cellId: string): Promise<void> {
  await rm(file(layout, cellId), { force: true })
}

/** What is kept for other cells than this one, in bytes. */
export async function keptForOthers(layout: Layout, cellId: string | undefined): Promise<number> {
  let bytes = 0
  for (const id of await listNames(layout.cells)) {
    if (id === cellId) continue
    const kept = await readRecord(join(directoryOf(layout), `${id}.json`), schema).catch(ignoreTampered)
    if (kept && (kept.untilServed || Date.now() - Date.parse(kept.at) < keptForMs)) bytes += kept.bytes
  }
  return bytes
}

const write = (layout: Layout, cellId: string, kept: Kept) =>
  writeDurably(file(layout, cellId), `${JSON.stringify(kept)}\n`, 0o600)
