-- A run's commands have a place in it: a server whose pipeline asks for something else leaves the run alone instead of
-- guessing. Null: of before, or asked for inside another.
alter table tasks add column ordinal integer;
alter table steps add column ordinal integer;
alter table effects
  add column ordinal integer,
  -- How it failed, where it did: a replay finds it failed again. See FailedEffect in server/runs/run-state.ts.
  add column error jsonb;

-- The version of the pipeline that it began with; null: of before they had one.
alter table runs add column pipeline_version integer;
