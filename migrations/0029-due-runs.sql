-- Runs that the server could not advance, and which are due first.

alter table runs
  -- In a row; an error of the server's, not of the run's.
  add column setbacks integer not null default 0,
  -- The last one; empty: none.
  add column setback text not null default '';

-- By what runs are due before others, and in turn: see server/runs/due-runs.ts.
grant select (project_id, status, stage) on runs to fairway_scheduler;
-- And whose hosts are waited for by runs that nobody wants any more.
grant select (run_id) on tasks to fairway_scheduler;
grant select (cancel_cause) on runs to fairway_scheduler;

-- Which migrations a database has: a server does nothing more with one that has some that it does not know.
grant select (name) on schema_migrations to fairway_app, fairway_scheduler;
