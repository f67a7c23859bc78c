-- Names of projects, for ever. A row stays when the project is renamed or deleted: hosts serve addresses and keep caches
-- under the name, registries images, and evidence says it. The key sees what row-level security hides from who asks.

create table project_names (
  organization_id uuid not null references organizations (id),
  name text not null,
  -- Deferred: the name is taken before its project is made.
  project_id uuid not null references projects (id) deferrable initially deferred,
  taken_at timestamptz not null default now(),
  primary key (organization_id, name)
);
create index project_names_by_project on project_names (project_id);

insert into project_names (organization_id, name, project_id, taken_at)
  select organization_id, name, id, created_at from projects;
-- A table whose rows wait for a check is not altered, and this one is, below and by whoever applies migrations.
set constraints all immediate;

do $$
declare
  tenant constant text := $e$organization_id = (select nullif(current_setting('fairway.organization', true), '')::uuid)$e$;
  seen constant text := $e$((select current_setting('fairway.projects', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.projects', true), ''), '*')::uuid[])::uuid[]))$e$;
  written constant text := $e$((select current_setting('fairway.writes', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.writes', true), ''), '*')::uuid[])::uuid[]))
    and (select may_write('project_names'))$e$;
begin
  alter table project_names enable row level security;
  alter table project_names force row level security;
  execute format('create policy reading on project_names for select to fairway_app using (%s and %s)', tenant, seen);
  execute format('create policy adding on project_names for insert to fairway_app with check (%s and %s)', tenant, written);
  execute format('create policy changing on project_names for update to fairway_app using (%s and %s) with check (%s and %s)',
    tenant, written, tenant, written);
  execute format('create policy removing on project_names for delete to fairway_app using (%s and %s)', tenant, written);
end $$;
-- Nobody gives a name back.
grant select, insert on project_names to fairway_app;

insert into permission_tables (permission, table_name) values
  ('project.create', 'project_names'), ('project.manage', 'project_names');
