-- Releases: what went to production, and what rehearsals, locks and rollbacks need.

-- ------------------------------------------------------------------ runs

alter table runs drop constraint runs_kind_check;
alter table runs
  add constraint runs_kind_check check
    (kind in ('build', 'start', 'stop', 'destroy', 'lock', 'rehearse', 'inspect', 'promote', 'rollback')),
  -- What it was asked for, beyond its columns. See RunInput in server/db/record.ts.
  add column input jsonb not null default '{}';

-- ------------------------------------------------------------------ cells and snapshots

-- rehearsal: a clone of production that lives as long as the run that tries an update on it.
alter table cells add column purpose text not null default 'environment'
  check (purpose in ('environment', 'rehearsal'));

alter table snapshots drop constraint snapshots_purpose_check;
alter table snapshots
  add constraint snapshots_purpose_check check (purpose in ('safety', 'prepared', 'failed')),
  -- Of a cell whose update failed, kept for study: when it goes.
  add column expires_at timestamptz;

-- ------------------------------------------------------------------ releases

-- One row for each time that something went live in production, written with the switch of the route. What did not get
-- there is among the runs.
create table releases (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  environment_id uuid not null references environments (id),
  run_id uuid not null unique references runs (id),
  -- Counts within the environment.
  number integer not null,
  digest text not null,
  -- The build that the image comes from.
  build_number integer not null,
  -- As it went live: all that is needed to run it again. See Deployment in server/db/record.ts.
  deployment jsonb not null,
  -- What its update did to the database; null when no module was updated. See UpdateRecord.
  update_record jsonb,
  -- The data as they were before it: taken while nobody could write. Null when it touched no data.
  safety_snapshot_id uuid references snapshots (id),
  went_live_at timestamptz not null default now(),
  unique (environment_id, number)
);
create index releases_by_digest on releases (project_id, digest);

-- The build whose commit a request is about that belongs to no run yet.
alter table approvals add column about_run_id uuid references runs (id);

-- ------------------------------------------------------------------ builds of production under way

-- What is at production's data is put back by the server that began it, and by no other: this one takes other steps.
do $$
begin
  if exists (
    select from runs join steps on steps.run_id = runs.id
    where runs.status = 'running' and runs.kind = 'build' and runs.stage = 'production'
      and steps.name = 'approve' and steps.status = 'succeeded'
  ) then
    raise exception 'a build of production is under way: start the former server again, let the build end, then upgrade';
  end if;
end $$;

-- One that has touched nothing yet rehearses before it asks.
with waiting as (
  select steps.organization_id, steps.run_id, steps.position from runs join steps on steps.run_id = runs.id
  where runs.status = 'running' and runs.kind = 'build' and runs.stage = 'production' and steps.name = 'approve'
), moved as (
  update steps set position = steps.position + 1 from waiting
  where steps.run_id = waiting.run_id and steps.position >= waiting.position
)
insert into steps (organization_id, run_id, name, position)
select organization_id, run_id, 'rehearse', position from waiting;

-- ------------------------------------------------------------------ permissions

insert into role_permissions (permission, role) select permission, unnest(roles) from (values
  ('lock.update', '{owner, release-manager, developer}'::text[]),
  ('credential.set', '{owner, release-manager}'::text[]),
  ('release.rehearse', '{owner, release-manager, developer}'::text[]),
  ('release.request', '{owner, release-manager, developer}'::text[]),
  ('release.promote', '{owner, release-manager}'::text[]),
  ('release.rollback', '{owner, release-manager}'::text[])
) as t (permission, roles);

insert into permission_tables (permission, table_name) select permission, unnest(tables) from (values
  ('lock.update', '{projects, branches, environments, runs}'::text[]),
  ('credential.set', '{data_keys, secrets, secret_versions}'::text[]),
  ('release.rehearse', '{projects, runs}'::text[]),
  ('release.request', '{approvals}'::text[]),
  ('release.promote', '{projects, runs, approvals}'::text[]),
  ('release.rollback', '{projects, runs}'::text[])
) as t (permission, tables);

-- ------------------------------------------------------------------ row-level security

do $$
declare
  tenant constant text := $e$organization_id = (select nullif(current_setting('fairway.organization', true), '')::uuid)$e$;
  seen constant text := $e$((select current_setting('fairway.projects', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.projects', true), ''), '*')::uuid[])::uuid[]))$e$;
  written constant text := $e$((select current_setting('fairway.writes', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.writes', true), ''), '*')::uuid[])::uuid[]))
    and (select may_write('releases'))$e$;
begin
  alter table releases enable row level security;
  alter table releases force row level security;
  execute format('create policy reading on releases for select to fairway_app using (%s and %s)', tenant, seen);
  execute format('create policy adding on releases for insert to fairway_app with check (%s and %s)', tenant, written);
  execute format('create policy changing on releases for update to fairway_app using (%s and %s) with check (%s and %s)',
    tenant, written, tenant, written);
  execute format('create policy removing on releases for delete to fairway_app using (%s and %s)', tenant, written);
end $$;

-- What production serves went live before there was this table.
insert into releases
  (organization_id, project_id, environment_id, run_id, number, digest, build_number, deployment, went_live_at)
select organization_id, project_id, id, (deployment ->> 'runId')::uuid, 1, deployment ->> 'digest',
  (deployment ->> 'buildNumber')::integer, deployment, updated_at
from environments where stage = 'production' and status <> 'destroyed' and deployment is not null;

-- Rehearsals of a plan.
create index runs_by_plan on runs (project_id, (record ->> 'planSha256')) where kind = 'rehearse';

-- What went live stays on record.
grant select, insert on releases to fairway_app;
