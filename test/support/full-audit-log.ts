import { query, type TestDatabase } from './postgres.ts'

/** From now on no event can be written, as if the log's disk were full. */
export async function refuseEvents({ ownerUrl }: TestDatabase): Promise<void> {
  await query(
    ownerUrl,
    `create or replace function refuse_event() returns trigger language plpgsql as
     $$ begin raise exception 'no room for events'; end $$`,
  )
  await query(
    ownerUrl,
    'create trigger refuse before insert on audit_events for each row execute function refuse_event()',
  )
}

/** Undoes `refuseEvents`; fine without it. */
export async function takeEvents({ ownerUrl }: TestDatabase): Promise<void> {
  await query(ownerUrl, 'drop trigger if exists refuse on audit_events')
}
