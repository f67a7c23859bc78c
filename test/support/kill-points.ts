import pg from 'pg'
import { stepInSql } from '../faults/release-steps.ts'

/** Where a run can be held. */
export interface Step {
  /** `ask`: a task, when the server first asks a host for it. */
  readonly kind: 'task' | 'effect' | 'ask'
  /** As stepOf gives it. */
  readonly name: string
}

/** A moment in a run. */
export interface Point extends Step {
  /**
   * `begun`: the agent has the task in its journal, and works on it · `standing`: a transaction stands at the gate: the
   * agent has done the task and no server has taken that, the server has not written the effect, or has not asked for the task.
   */
  readonly moment: 'begun' | 'standing'
}

/**
 * Gates in the control plane's database, so that a process dies in a step and not by luck beside it, however short the
 * step is: at a closed gate the transaction stops that would settle the task, that writes the effect, or that asks for the task.
 */
export interface KillPoints {
  close(steps: readonly Step[]): Promise<void>
  open(step: Step): Promise<void>
  /** Ends the connection of the transaction that stands at the gate. */
  cut(step: Step): Promise<void>
  openAll(): Promise<void>
  /** Whether the run is there now. */
  reached(runId: string, point: Point): Promise<boolean>
  end(): Promise<void>
}

/** First key of the gates' advisory locks; the other is a hash of the step. */
const space = 7_429

const triggers = `
create or replace function stop_at_gate() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(${space}, hashtext(tg_argv[0] || ' ' || ${stepInSql('new.key')}));
  return new;
end $$;
create or replace trigger gate before insert on effects for each row execute function stop_at_gate('effect');
create or replace trigger asked before insert on tasks for each row execute function stop_at_gate('ask');
create or replace trigger gate before update on tasks for each row
  when (old.status = 'leased' and new.status not in ('leased', 'queued')) execute function stop_at_gate('task');
`

export async function createKillPoints(databaseUrl: string): Promise<KillPoints> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(triggers)
  const at = (lock: string, { kind, name }: Step) =>
    client.query(`select ${lock}(${space}, hashtext($1))`, [`${kind} ${name}`])
  return {
    async close(steps) {
      for (const step of steps) await at('pg_advisory_lock', step)
    },
    async open(step) {
      await at('pg_advisory_unlock', step)
    },
    async cut({ kind, name }) {
      await client.query(`select pg_terminate_backend(pid) ${standing}`, [`${kind} ${name}`])
    },
    async openAll() {
      await client.query('select pg_advisory_unlock_all()')
    },
    async reached(runId, { kind, name, moment }) {
      const { rows } =
        moment === 'begun'
          ? await client.query(begun, [runId, name])
          : await client.query(`select 1 ${standing}`, [`${kind} ${name}`])
      return rows.length > 0
    },
    end: () => client.end(),
  }
}

const begun = `select 1 from tasks where run_id = $1 and ${stepInSql('key')} = $2
  and status = 'leased' and started_at is not null`

// Other tests' databases may be in the same cluster.
const standing = `from pg_locks where locktype = 'advisory' and not granted
  and database = (select oid from pg_database where datname = current_database())
  and classid = ${space} and objid::bigint = hashtext($1)::bigint & 4294967295`
