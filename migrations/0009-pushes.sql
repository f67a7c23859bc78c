-- Pushes: which branch is production where nobody said, what was pushed and not built, and whose repository it is.

-- ------------------------------------------------------------------ branch rules

alter table projects
  -- Whose word the rules are. `default`: nobody's; the repository's default branch is production as soon as it is known.
  add column branch_rules_from text not null default 'given' check (branch_rules_from in ('default', 'given', 'file')),
  -- As the last delivery said; null until one did.
  add column default_branch text,
  -- How `default` rules were last changed by what the repository says. See server/services/projects/default-branch.ts.
  add column branch_rules_change jsonb;

alter table projects alter column branch_rules_from set default 'default';
-- Where something was built, people know the rules as they are: those stay, and `branch list` says how to change them.
update projects set branch_rules_from = 'default'
where not exists (select from environments where environments.project_id = projects.id) and branch_rules = '[{"pattern": "main", "stage": "production"}, {"pattern": "release/*", "stage": "staging"},
  {"pattern": "feature/*", "stage": "development"}]'::jsonb;

-- ------------------------------------------------------------------ pushes that start nothing

-- One row for each branch, and the newest of a project only (server/services/projects/ignored-pushes.ts). A push that is
-- built takes its row away.
create table ignored_pushes (
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  branch text not null,
  -- Stable, for programs: `no-branch-rule`
  reason text not null,
  -- The same for people, as of the last push.
  explanation text not null,
  commit text not null,
  pushed_by text not null,
  pushes integer not null default 1,
  first_pushed_at timestamptz not null default now(),
  last_pushed_at timestamptz not null default now(),
  primary key (project_id, branch)
);

do $$
declare
  tenant constant text := $e$organization_id = (select nullif(current_setting('fairway.organization', true), '')::uuid)$e$;
  seen constant text := $e$((select current_setting('fairway.projects', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.projects', true), ''), '*')::uuid[])::uuid[]))$e$;
  written constant text := $e$((select current_setting('fairway.writes', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.writes', true), ''), '*')::uuid[])::uuid[]))
    and (select may_write('ignored_pushes'))$e$;
begin
  alter table ignored_pushes enable row level security;
  alter table ignored_pushes force row level security;
  execute format('create policy reading on ignored_pushes for select to fairway_app using (%s and %s)', tenant, seen);
  execute format('create policy adding on ignored_pushes for insert to fairway_app with check (%s and %s)', tenant, written);
  execute format('create policy changing on ignored_pushes for update to fairway_app using (%s and %s) with check (%s and %s)',
    tenant, written, tenant, written);
  execute format('create policy removing on ignored_pushes for delete to fairway_app using (%s and %s)', tenant, written);
end $$;
grant select, insert, update, delete on ignored_pushes to fairway_app;

insert into permission_tables (permission, table_name) values
  ('webhook.receive', 'ignored_pushes'), ('webhook.receive', 'branches'), ('build.start', 'ignored_pushes'), ('branch.delete', 'ignored_pushes');

insert into role_permissions (permission, role) values ('project.manage', 'owner');
insert into permission_tables (permission, table_name) values ('project.manage', 'projects');

-- ------------------------------------------------------------------ whose repository it is

alter table projects
  -- At a forge that is not GitHub: `gitlab:42`, and who owns it there. Null until the first delivery that is believed.
  add column repository_uid text,
  add column repository_owner_uid text,
  -- The last one that was signed with the project's secret and is another repository or another owner's: it waits for
  -- an owner's word. See RepositoryClaim in server/services/projects/repository-claim.ts.
  add column repository_claim jsonb,
  -- Of the newest delivery that was believed, by the git server's clock, and the names that the repository has left: what
  -- an old delivery says of it is not taken. See server/services/projects/repository-name.ts.
  add column repository_updated_at timestamptz,
  add column former_slugs text[] not null default '{}',
  add constraint projects_one_forge check (github_repository_id is null or repository_uid is null);
create index projects_by_repository_uid on projects (repository_uid) where repository_uid is not null;
-- Where a slug is a path of several groups: server/forges/senders.ts.
create index projects_by_slug_end on projects (lower(substring(repository_slug from '[^/]+/[^/]+$')));
grant select (repository_uid, created_at) on projects to fairway_scheduler;
