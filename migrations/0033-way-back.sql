-- Putting things back does not give up: what failed is asked for again, each attempt a task of its own, until it
-- succeeds or a person ends the run.

alter table tasks
  add column attempt integer not null default 1,
  drop constraint tasks_run_id_key_key,
  add constraint tasks_by_attempt unique (run_id, key, attempt);

alter table runs
  -- What keeps it from going on; null: nothing does. See RunTrouble in server/db/record.ts.
  add column trouble jsonb,
  -- When somebody last wanted it tried again at once.
  add column retry_at timestamptz,
  -- Who gave it up, and why: it ends, and leaves things as they are.
  add column abandoned_by text,
  add column abandon_reason text;

create index runs_in_trouble on runs (organization_id) where trouble is not null;

insert into role_permissions (permission, role) select permission, unnest(roles) from (values
  ('run.retry', '{owner, release-manager, developer}'::text[]),
  ('run.abandon', '{owner, release-manager, developer}'::text[])
) as t (permission, roles);

insert into permission_tables (permission, table_name) values ('run.retry', 'runs'), ('run.abandon', 'runs');
