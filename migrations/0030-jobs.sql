-- What the servers of an installation do from time to time, one of them at a time. See server/jobs/.
create table jobs (
  name text primary key,
  -- As it was when next_at was worked out: another one counts at once.
  schedule text not null,
  next_at timestamptz not null,
  -- Who is at it, and until when nobody else begins; that one says so again and again.
  held_by uuid,
  held_until timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  -- How its last time ended; empty: well.
  error text not null default ''
);
grant select, insert, update on jobs to fairway_app;
