import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { query } from './postgres.ts'

/** A run as it ended, and all that its replay reads: rows by table, as PostgreSQL says them in JSON. */
export interface RecordedRun {
  readonly name: string
  readonly kind: string
  readonly ended: { readonly status: string; readonly reason: string }
  readonly rows: Readonly<Record<Table, readonly Readonly<Record<string, unknown>>[]>>
}

// In the order in which they refer to each other.
const tables = [
  'organizations',
  'projects',
  'hosts',
  'branches',
  'environments',
  'runs',
  'steps',
  'tasks',
  'effects',
] as const
type Table = (typeof tables)[number]

const folder = new URL('../histories/', import.meta.url)
const fileOf = (name: string) => new URL(`${name.replaceAll(/[^a-z0-9]+/g, '-')}.json`, folder)

export const listHistories = (): RecordedRun[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as RecordedRun)

/** Writes the run down as it stands in the database. */
export async function recordHistory(ownerUrl: string, name: string, runId: string): Promise<void> {
  const of = async (table: Table, condition: string) => {
    const text = `select to_jsonb(t) - '{webhook_secret_sealed,authorization_id,manifest_sha256,cell_id}'::text[] as row
      from ${table} t, (select * from runs where id = $1) run where ${condition}`
    return (await query<{ row: Record<string, unknown> }>(ownerUrl, text, [runId])).map(({ row }) => row)
  }
  const own = 't.run_id = run.id'
  const rows = {
    organizations: await of('organizations', 't.id = run.organization_id'),
    projects: await of('projects', 't.id = run.project_id'),
    hosts: await of('hosts', 't.organization_id = run.organization_id'),
    branches: await of(
      'branches',
      't.id in (select branch_id from environments where id = run.environment_id union select run.branch_id)',
    ),
    environments: await of('environments', 't.id = run.environment_id'),
    runs: await of('runs', 't.id = run.id'),
    steps: await of('steps', own),
    tasks: await of('tasks', own),
    effects: await of('effects', own),
  }
  const [run] = rows.runs as [{ kind: string; status: string; reason: string }]
  const recorded: RecordedRun = {
    name,
    kind: run.kind,
    ended: { status: run.status, reason: run.reason },
    rows,
  }
  writeFileSync(fileOf(name), `${JSON.stringify(recorded, undefined, 1)}\n`)
}

/** Puts the run into a database in which it has not ended; gives its id and organization. */
export async function restoreHistory(
  ownerUrl: string,
  { rows }: RecordedRun,
): Promise<{ readonly runId: string; readonly organizationId: string }> {
  const [run] = rows.runs as unknown as [{ id: string; organization_id: string }]
  for (const table of tables) {
    if (table === 'environments') await insertFailedRuns(ownerUrl, rows.environments)
    const added = table === 'projects' ? { webhook_secret_sealed: '\\x00' } : {}
    for (const row of rows[table].map((known) => ({ ...known, ...added }))) {
      const columns = Object.keys(row)
        .map((column) => `"${column}"`)
        .join()
      await query(
        ownerUrl,
        `insert into ${table} (${columns}) select ${columns} from jsonb_populate_record(null::${table}, $1)
         on conflict do nothing`,
        [JSON.stringify(row)],
      )
    }
  }
  // What failed a moment ago is not tried again yet.
  await query(ownerUrl, 'update tasks set created_at = now() where run_id = $1', [run.id])
  await query(ownerUrl, "update runs set status = 'running', advance_at = now() where id = $1", [run.id])
  return { runId: run.id, organizationId: run.organization_id }
}

/** What is kept of a failure says of which run, which is none of this history. */
async function insertFailedRuns(ownerUrl: string, environments: RecordedRun['rows']['environments']) {
  for (const { failed_run_id, organization_id, project_id } of environments)
    if (failed_run_id)
      await query(
        ownerUrl,
        `insert into runs (id, organization_id, project_id, kind, trigger, requested_by, status, advance_at)
         values ($1, $2, $3, 'promote', 'manual', 'member:ana', 'failed', null) on conflict do nothing`,
        [failed_run_id, organization_id, project_id],
      )
}
