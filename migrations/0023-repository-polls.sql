-- Projects whose repository is asked for its branches from time to time. See server/forges/polling/.

create table repository_polls (
  project_id uuid primary key references projects (id),
  organization_id uuid not null references organizations (id),
  every_seconds integer not null check (every_seconds between 60 and 86400),
  -- Who set it.
  set_by text not null,
  -- When it is asked next; moved on before it is asked, so that nobody else asks meanwhile.
  next_at timestamptz not null default now(),
  -- When it answered last; null: never yet.
  last_at timestamptz,
  -- In a row, and why the last one was.
  failures integer not null default 0,
  error text not null default '',
  -- Branch → commit, as it answered last; null until it did.
  heads jsonb,
  created_at timestamptz not null default now()
);

do $$
declare
  tenant constant text := $e$organization_id = (select nullif(current_setting('fairway.organization', true), '')::uuid)$e$;
  seen constant text := $e$((select current_setting('fairway.projects', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.projects', true), ''), '*')::uuid[])::uuid[]))$e$;
  written constant text := $e$((select current_setting('fairway.writes', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.writes', true), ''), '*')::uuid[])::uuid[]))
    and (select may_write('repository_polls'))$e$;
begin
  alter table repository_polls enable row level security;
  alter table repository_polls force row level security;
  execute format('create policy reading on repository_polls for select to fairway_app using (%s and %s)', tenant, seen);
  execute format('create policy adding on repository_polls for insert to fairway_app with check (%s and %s)', tenant, written);
  execute format('create policy changing on repository_polls for update to fairway_app using (%s and %s) with check (%s and %s)',
    tenant, written, tenant, written);
  execute format('create policy removing on repository_polls for delete to fairway_app using (%s and %s)', tenant, written);
end $$;
grant select, insert, update, delete on repository_polls to fairway_app;
create index repository_polls_by_time on repository_polls (next_at);
grant select (project_id, organization_id, next_at) on repository_polls to fairway_scheduler;
create policy scheduler on repository_polls for select to fairway_scheduler using (true);

insert into permission_tables (permission, table_name) values ('project.manage', 'repository_polls');
