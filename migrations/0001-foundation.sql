-- The control plane's tables.
--
-- Three roles: the owner runs migrations and nothing else; fairway_app serves people and agents and sees one
-- organization at a time; fairway_scheduler sees across organizations only the columns that say where work is
-- due (and which organization a credential belongs to), and changes nothing.
-- Every tenant table carries organization_id, and FORCE ROW LEVEL SECURITY with one policy per role.
-- The scope is the transaction's: set_config('fairway.organization', id, true). See server/db/tenancy.ts.

create function current_organization() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('fairway.organization', true), '')::uuid;

-- ------------------------------------------------------------------ organizations and people

create table organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null unique check (name ~ '^[a-z][a-z0-9-]{0,39}$'),
  created_at timestamptz not null default now()
);

create table members (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  name text not null,
  role text not null check (role in ('owner', 'developer', 'release-manager', 'auditor')),
  created_at timestamptz not null default now(),
  unique (organization_id, name)
);

create table tokens (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  member_id uuid not null references members (id),
  name text not null,
  -- SHA-256 of the token; the token itself is shown once and kept nowhere.
  token_hash bytea not null unique,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now()
);

-- ------------------------------------------------------------------ hosts

create table hosts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  name text not null,
  status text not null default 'offline' check (status in ('online', 'offline', 'incompatible')),
  agent_version text not null default '',
  boot_id text not null default '',
  capabilities text[] not null default '{}',
  cpu_count integer not null default 0,
  memory_bytes bigint not null default 0,
  advice text not null default '',
  certificate_serial text not null default '',
  certificate_expires_at timestamptz,
  last_seen_at timestamptz,
  created_at timestamptz not null default now(),
  unique (organization_id, name)
);

create table join_tokens (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  token_hash bytea not null unique,
  host_name text not null default '',
  expires_at timestamptz not null,
  used_at timestamptz,
  host_id uuid references hosts (id),
  created_at timestamptz not null default now()
);

create table pools (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  host_id uuid not null references hosts (id),
  name text not null,
  driver text not null,
  size_bytes bigint not null default 0,
  free_bytes bigint not null default 0,
  updated_at timestamptz not null default now(),
  unique (host_id, name)
);

-- ------------------------------------------------------------------ projects, branches, environments

create table projects (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  name text not null check (name ~ '^[a-z][a-z0-9-]{0,39}$'),
  repository_url text not null,
  repository_slug text not null,
  odoo_version text not null default '19.0',
  -- [{pattern, stage}]; taken over from fairway.yaml of the production branch, never from another branch.
  branch_rules jsonb not null,
  webhook_secret_sealed bytea not null,
  next_build_number integer not null default 1,
  created_at timestamptz not null default now(),
  unique (organization_id, name)
);
create index projects_by_slug on projects (lower(repository_slug));

create table branches (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  name text not null,
  stage text not null check (stage in ('production', 'staging', 'development')),
  head_commit text not null default '',
  pushed_at timestamptz,
  deleted_at timestamptz,
  -- When the branch's environment goes; set by a branch deletion, cleared by a push.
  destroy_at timestamptz,
  created_at timestamptz not null default now(),
  unique (project_id, name)
);

create table environments (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  branch_id uuid not null references branches (id),
  -- The branch's name as a DNS label.
  name text not null,
  stage text not null check (stage in ('production', 'staging', 'development')),
  status text not null default 'pending'
    check (status in ('pending', 'running', 'stopped', 'failed', 'destroyed')),
  host_id uuid references hosts (id),
  cell_id uuid,
  url text not null default '',
  -- The runtime it serves: image, workers, modules, addon → tree id. See Deployment in server/db/record.ts.
  deployment jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  destroyed_at timestamptz
);
-- One living environment for each name; a destroyed one stays as history.
create unique index environments_living on environments (project_id, name) where status <> 'destroyed';
create unique index environments_one_production on environments (project_id)
  where stage = 'production' and status <> 'destroyed';

-- ------------------------------------------------------------------ runs

create table runs (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  branch_id uuid references branches (id),
  environment_id uuid references environments (id),
  kind text not null check (kind in ('build', 'start', 'stop', 'destroy')),
  -- Builds only: counts within the project.
  number integer,
  stage text check (stage in ('production', 'staging', 'development')),
  commit text not null default '',
  commit_message text not null default '',
  trigger text not null check (trigger in ('push', 'manual', 'rebuild', 'system')),
  requested_by text not null,
  status text not null default 'queued'
    check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'superseded', 'timed-out')),
  result text check (result in ('green', 'yellow', 'red')),
  reason text not null default '',
  warnings text[] not null default '{}',
  host_id uuid references hosts (id),
  -- Set once, by whoever wants the run to end early.
  cancel_cause text check (cancel_cause in ('user', 'superseded', 'system', 'timeout')),
  cancelled_by text,
  -- What the pipeline recorded for people: digest, clone, neutralization, tests, smoke, url. See RunRecord in
  -- server/db/record.ts.
  record jsonb not null default '{}',
  manifest_sha256 text not null default '',
  -- When the scheduler has to look at it next; null once it has ended.
  advance_at timestamptz default now(),
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  timeout_at timestamptz
);
create unique index runs_build_number on runs (project_id, number) where number is not null;
create index runs_due on runs (advance_at) where advance_at is not null;
create index runs_by_project on runs (project_id, created_at desc);
create index runs_active_by_branch on runs (branch_id) where advance_at is not null;

create table steps (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  run_id uuid not null references runs (id),
  name text not null,
  position integer not null,
  status text not null default 'queued'
    check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'superseded', 'timed-out')),
  summary text not null default '',
  started_at timestamptz,
  finished_at timestamptz,
  unique (run_id, name)
);

-- One row for each unit of work of an agent, never deleted while its run exists. The epoch fences: it grows at
-- each dispatch, and only the current one may report.
create table tasks (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  run_id uuid not null references runs (id),
  step_id uuid not null references steps (id),
  host_id uuid not null references hosts (id),
  -- Unique in its run; the pipeline's replay finds the task by it.
  key text not null,
  kind text not null,
  -- proto JSON of fairway.agent.v1.TaskSpec and TaskOutput
  spec jsonb not null,
  output jsonb,
  status text not null default 'queued'
    check (status in ('queued', 'leased', 'succeeded', 'failed', 'cancelled', 'timed-out')),
  reason text not null default '',
  error text not null default '',
  warnings text[] not null default '{}',
  epoch integer not null default 0,
  -- How often it may be dispatched anew after its agent lost it; only tasks declared safe to retry have more than 1.
  max_attempts integer not null default 1,
  timeout_ms bigint not null,
  lease_until timestamptz,
  timeout_at timestamptz,
  -- Lines that the agent says it wrote; the record waits until they are all here.
  log_lines bigint not null default 0,
  cancel_requested boolean not null default false,
  -- Compensation: goes on although the run was cancelled.
  always boolean not null default false,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  unique (run_id, key)
);
create index tasks_open_by_host on tasks (host_id, created_at) where status in ('queued', 'leased');

-- Effects on our own tables that a pipeline asked for, so that its replay does each once.
create table effects (
  organization_id uuid not null references organizations (id),
  run_id uuid not null references runs (id),
  key text not null,
  value jsonb,
  created_at timestamptz not null default now(),
  primary key (run_id, key)
);

-- ------------------------------------------------------------------ cells and snapshots

create table cells (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  environment_id uuid not null references environments (id),
  host_id uuid not null references hosts (id),
  status text not null default 'making' check (status in ('making', 'active', 'retired', 'destroyed')),
  stage text not null check (stage in ('production', 'staging', 'development')),
  -- The run that is changing its database: nobody clones it meanwhile.
  held_by uuid references runs (id),
  created_at timestamptz not null default now(),
  destroyed_at timestamptz
);
create index cells_by_environment on cells (environment_id);

create table snapshots (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  cell_id uuid not null references cells (id),
  host_id uuid not null references hosts (id),
  purpose text not null check (purpose in ('safety', 'prepared')),
  status text not null default 'making' check (status in ('making', 'ready', 'destroyed')),
  -- Prepared snapshots: SHA-256 of what is in them. See preparedKey in server/scheduler/actions/cells.ts.
  key text not null default '',
  -- What a build that starts from it can take over, such as the tests' results.
  facts jsonb not null default '{}',
  run_id uuid references runs (id),
  size_bytes bigint not null default 0,
  taken_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);
create index snapshots_prepared on snapshots (project_id, host_id, key) where purpose = 'prepared' and status = 'ready';

-- ------------------------------------------------------------------ artifacts and logs

create table artifacts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  run_id uuid not null references runs (id),
  task_id uuid references tasks (id),
  name text not null,
  media_type text not null,
  sha256 text not null,
  size_bytes bigint not null,
  created_at timestamptz not null default now(),
  unique (run_id, name, sha256)
);

create table log_streams (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  host_id uuid not null references hosts (id),
  run_id uuid references runs (id),
  task_id uuid references tasks (id),
  epoch integer,
  environment_id uuid references environments (id),
  -- Step of the run, or `runtime`.
  step text not null default '',
  last_sequence bigint not null default 0,
  -- A stale epoch's stream is closed: its agent is told to drop it.
  closed boolean not null default false,
  created_at timestamptz not null default now(),
  check ((task_id is null) <> (environment_id is null))
);
create index log_streams_by_run on log_streams (run_id, created_at) where run_id is not null;
create index log_streams_by_environment on log_streams (environment_id, created_at) where environment_id is not null;

-- Index of the zstd chunks in blob storage; the lines are only there.
create table log_segments (
  organization_id uuid not null references organizations (id),
  stream_id uuid not null references log_streams (id),
  first_sequence bigint not null,
  last_sequence bigint not null,
  first_time timestamptz not null,
  last_time timestamptz not null,
  sha256 text not null,
  size_bytes integer not null,
  created_at timestamptz not null default now(),
  primary key (stream_id, first_sequence)
);

-- ------------------------------------------------------------------ audit and webhooks

create table audit_events (
  id bigint generated always as identity primary key,
  organization_id uuid not null references organizations (id),
  actor text not null,
  action text not null,
  subject_kind text not null,
  subject_id text not null,
  details jsonb not null default '{}',
  request_id text not null default '',
  created_at timestamptz not null default now()
);
create index audit_events_by_time on audit_events (organization_id, id desc);

create table webhook_deliveries (
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  delivery_id text not null,
  event text not null,
  outcome text not null,
  received_at timestamptz not null default now(),
  primary key (project_id, delivery_id)
);

-- ------------------------------------------------------------------ the server's own (no tenant)

-- The fleet's certificate authority; its key is sealed with the master key.
create table authority (
  id boolean primary key default true check (id),
  certificate text not null,
  key_sealed bytea not null,
  created_at timestamptz not null default now()
);

-- ------------------------------------------------------------------ row-level security

alter table environments add foreign key (cell_id) references cells (id);

do $$
declare
  tenant_table text;
begin
  foreach tenant_table in array array[
    'members', 'tokens', 'hosts', 'join_tokens', 'pools', 'projects', 'branches', 'environments', 'runs', 'steps',
    'tasks', 'effects', 'cells', 'snapshots', 'artifacts', 'log_streams', 'log_segments', 'audit_events',
    'webhook_deliveries'
  ] loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format('alter table %I force row level security', tenant_table);
    execute format(
      'create policy tenant on %I to fairway_app using (organization_id = (select current_organization()))'
      || ' with check (organization_id = (select current_organization()))', tenant_table);
  end loop;
end $$;

alter table organizations enable row level security;
alter table organizations force row level security;
create policy tenant on organizations to fairway_app
  using (id = (select current_organization())) with check (id = (select current_organization()));

grant usage on schema public to fairway_app, fairway_scheduler;
grant select, insert on organizations to fairway_app;
grant select, insert, update on
  members, tokens, hosts, join_tokens, projects, branches, environments, runs, steps, tasks, cells, snapshots,
  log_streams to fairway_app;
grant select, insert, update, delete on pools, log_segments to fairway_app;
-- What happened stays: nobody but the owner changes or deletes these rows.
grant select, insert on effects, artifacts, audit_events, webhook_deliveries to fairway_app;
grant select, insert on authority to fairway_app;

-- The scheduler's view across organizations: where work is due, and whose a credential is.
do $$
declare
  shown record;
begin
  for shown in select * from (values
    ('organizations', 'id, name'),
    ('runs', 'id, organization_id, advance_at'),
    ('tasks', 'id, organization_id, host_id, status, lease_until, timeout_at, cancel_requested'),
    ('hosts', 'id, organization_id, status, certificate_serial, last_seen_at'),
    ('tokens', 'id, organization_id, member_id, token_hash, expires_at, revoked_at'),
    ('join_tokens', 'id, organization_id, token_hash'),
    ('projects', 'id, organization_id, repository_slug'),
    ('branches', 'id, organization_id, destroy_at'),
    ('log_streams', 'id, organization_id, host_id')
  ) as t (table_name, columns) loop
    execute format('grant select (%s) on %I to fairway_scheduler', shown.columns, shown.table_name);
    execute format('create policy scheduler on %I for select to fairway_scheduler using (true)', shown.table_name);
  end loop;
end $$;
