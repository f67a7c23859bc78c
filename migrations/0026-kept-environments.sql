-- Environments beside those of branches, to look into what failed: the preview of a build whose tests failed, and a copy of
-- the data that an update of production left. They expire, and never become production.

alter table environments
  add column purpose text not null default 'branch' check (purpose in ('branch', 'failed-build', 'failed-update')),
  -- The run that failed.
  add column failed_run_id uuid references runs (id),
  add column expires_at timestamptz,
  add constraint environments_kept check (
    (purpose = 'branch') = (failed_run_id is null) and (purpose = 'branch') = (expires_at is null)),
  add constraint environments_kept_is_no_production check (purpose = 'branch' or stage <> 'production');
-- What a run left is looked at in one place.
create unique index environments_of_failure on environments (failed_run_id)
  where failed_run_id is not null and status <> 'destroyed';
create index environments_by_expiry on environments (expires_at) where expires_at is not null and status <> 'destroyed';

grant select (id, organization_id, status, expires_at) on environments to fairway_scheduler;
create policy scheduler on environments for select to fairway_scheduler using (true);
