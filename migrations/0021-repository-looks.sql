-- Questions to hosts: whether a repository can be read, and which branches it has. See server/fleet/looks.ts.

create table repository_looks (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  -- Whose repository it is; null while the project is still to be made.
  project_id uuid references projects (id),
  host_id uuid not null references hosts (id),
  url text not null,
  asked_by text not null,
  status text not null default 'queued' check (status in ('queued', 'sent', 'answered')),
  -- RepositoryAnswer in server/db/record.ts; null until there is one.
  answer jsonb,
  created_at timestamptz not null default now(),
  -- Nobody waits for it any longer.
  expires_at timestamptz not null
);
create index repository_looks_by_host on repository_looks (host_id) where status <> 'answered';

do $$
declare
  tenant constant text := $e$organization_id = (select nullif(current_setting('fairway.organization', true), '')::uuid)$e$;
  seen constant text := $e$((select current_setting('fairway.projects', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.projects', true), ''), '*')::uuid[])::uuid[]))$e$;
  written constant text := $e$((select current_setting('fairway.writes', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.writes', true), ''), '*')::uuid[])::uuid[]))
    and (select may_write('repository_looks'))$e$;
begin
  alter table repository_looks enable row level security;
  alter table repository_looks force row level security;
  execute format('create policy reading on repository_looks for select to fairway_app using (%s and %s)', tenant, seen);
  execute format('create policy adding on repository_looks for insert to fairway_app with check (%s and %s)', tenant, written);
  execute format('create policy changing on repository_looks for update to fairway_app using (%s and %s) with check (%s and %s)',
    tenant, written, tenant, written);
  execute format('create policy removing on repository_looks for delete to fairway_app using (%s and %s)', tenant, written);
end $$;
grant select, insert, update, delete on repository_looks to fairway_app;
grant select (id, organization_id, host_id, status, expires_at) on repository_looks to fairway_scheduler;
create policy scheduler on repository_looks for select to fairway_scheduler using (true);
