import type { Recording } from './recording.ts'

/** Evidence of what has ended, which no run reads, and most of the bytes. */
const evidence = ['audit_events', 'statements']
/** What a run's replay reads of itself alone. */
const ofRuns = ['log_streams', 'steps']

/** Leaves out of what has ended all but what it left: releases, snapshots, cells, what is served. */
export function trim(recording: Recording): Recording {
  const open = new Set<unknown>(recording.cases.map(({ runId }) => runId))
  const tables = Object.entries(recording.tables)
    .filter(([name]) => !evidence.includes(name))
    .map(
      ([name, rows]) =>
        [name, ofRuns.includes(name) ? rows.filter((row) => open.has(row.run_id)) : rows] as const,
    )
  const documents = new Set(
    recording.tables.artifacts?.map(({ sha256 }) => String(sha256).replace(/^\\x/, '')) ?? [],
  )
  const blobs = Object.entries(recording.blobs).filter(([sha256]) => documents.has(sha256))
  return { ...recording, tables: Object.fromEntries(tables), blobs: Object.fromEntries(blobs) }
}
