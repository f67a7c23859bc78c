-- Governance: roles in projects, grants, tokens, policies, approvals, secrets, the audit tree, statements.
--
-- Roles are enforced twice: by server/governance/authorize.ts, and here. A transaction says for whom it works
-- (fairway.role, fairway.member, fairway.projects), which permission it was given (fairway.permission) and in which
-- projects (fairway.writes); a row can be written only there, when that permission is one the role, or a living grant
-- of the member, has, and when the permission is known to change that table. What the server does on its own (role
-- `system`) is bound by organization alone.

-- ------------------------------------------------------------------ the matrix, as the database knows it

-- Rows are those of server/governance/matrix.ts; test/rls/matrix.test.ts compares them.
create table role_permissions (
  permission text not null,
  role text not null,
  primary key (permission, role)
);
create table permission_tables (
  permission text not null,
  table_name text not null,
  primary key (permission, table_name)
);

insert into role_permissions (permission, role) select permission, unnest(roles) from (values
  ('project.create', '{owner}'::text[]),
  ('host.join', '{owner}'::text[]),
  ('host.revoke', '{owner}'::text[]),
  ('member.manage', '{owner}'::text[]),
  ('member.read', '{owner, release-manager, auditor}'::text[]),
  ('grant.manage', '{owner}'::text[]),
  ('token.create', '{owner, release-manager, developer, member}'::text[]),
  ('token.revoke', '{owner, release-manager, developer, auditor, member}'::text[]),
  ('token.manage', '{owner}'::text[]),
  ('build.start', '{owner, release-manager, developer, webhook, workflow}'::text[]),
  ('build.cancel', '{owner, release-manager, developer}'::text[]),
  ('webhook.receive', '{webhook}'::text[]),
  ('branch.delete', '{webhook}'::text[]),
  ('environment.start', '{owner, release-manager, developer}'::text[]),
  ('environment.stop', '{owner, release-manager, developer}'::text[]),
  ('environment.destroy', '{owner, release-manager, developer}'::text[]),
  ('shell', '{owner, release-manager, developer}'::text[]),
  ('policy.set', '{owner}'::text[]),
  ('approval.decide', '{owner, release-manager}'::text[]),
  ('secret.list', '{owner, release-manager, developer, auditor}'::text[]),
  ('secret.set', '{owner, release-manager}'::text[]),
  ('secret.reveal', '{owner}'::text[]),
  ('secret.rotate-keys', '{owner}'::text[]),
  ('audit.read', '{owner, release-manager, auditor}'::text[]),
  ('evidence.read', '{owner, release-manager, developer, auditor, workflow}'::text[]),
  ('evidence.rotate-keys', '{owner}'::text[]),
  ('report.read', '{owner, release-manager, auditor}'::text[])
) as t (permission, roles);

insert into permission_tables (permission, table_name) select permission, unnest(tables) from (values
  ('project.create', '{projects}'::text[]),
  ('host.join', '{join_tokens}'::text[]),
  ('host.revoke', '{hosts}'::text[]),
  ('member.manage', '{members, project_members, login_codes, tokens, grants}'::text[]),
  ('grant.manage', '{grants}'::text[]),
  ('token.create', '{tokens}'::text[]),
  ('token.revoke', '{tokens}'::text[]),
  ('token.manage', '{tokens}'::text[]),
  ('build.start', '{projects, branches, environments, runs, approvals}'::text[]),
  ('build.cancel', '{runs, approvals}'::text[]),
  ('webhook.receive', '{webhook_deliveries}'::text[]),
  ('branch.delete', '{projects, branches, environments, runs, approvals}'::text[]),
  ('environment.start', '{projects, environments, runs}'::text[]),
  ('environment.stop', '{projects, environments, runs}'::text[]),
  ('environment.destroy', '{projects, environments, runs}'::text[]),
  ('policy.set', '{policies}'::text[]),
  ('approval.decide', '{approvals, approval_votes, runs}'::text[]),
  ('secret.set', '{data_keys, secrets, secret_versions}'::text[]),
  ('secret.reveal', '{approvals, authorizations}'::text[]),
  ('secret.rotate-keys', '{data_keys, secret_versions}'::text[]),
  ('evidence.rotate-keys', '{signing_keys}'::text[])
) as t (permission, tables);

-- ------------------------------------------------------------------ people

alter table members drop constraint members_role_check;
alter table members
  add constraint members_role_check check (role in ('owner', 'release-manager', 'developer', 'auditor', 'member')),
  add column last_seen_at timestamptz,
  -- Removed members stay, for history; they can do nothing.
  add column removed_at timestamptz;

create table project_members (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  member_id uuid not null references members (id),
  role text not null check (role in ('release-manager', 'developer', 'auditor')),
  given_by text not null,
  created_at timestamptz not null default now(),
  -- When it was taken away or replaced by another one.
  ended_at timestamptz
);
create unique index project_members_living on project_members (project_id, member_id) where ended_at is null;

-- One permission for one member, confined to a project and perhaps a stage or an environment, until it expires.
create table grants (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  member_id uuid not null references members (id),
  permission text not null,
  stage text check (stage in ('production', 'staging', 'development')),
  -- Name of an environment. At most one of the two is set.
  environment text,
  granted_by text not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  check (stage is null or environment is null)
);
create index grants_by_member on grants (member_id);

-- One-time codes: the server's first, and invitations.
create table login_codes (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  member_id uuid not null references members (id),
  code_hash bytea not null unique,
  expires_at timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null default now()
);

alter table tokens
  alter column member_id drop not null,
  add column kind text not null default 'service' check (kind in ('session', 'service', 'workflow')),
  -- Permissions, or `read`; empty: all its member may do.
  add column scopes text[] not null default '{}',
  add column project_id uuid references projects (id),
  -- Whom a workflow's token speaks for: `workflow:owner/name@ref`.
  add column actor text,
  add column last_used_at timestamptz,
  -- The service token that made it, with which it ends.
  add column parent_id uuid references tokens (id),
  add constraint tokens_speak_for_somebody check ((kind = 'workflow') = (member_id is null)),
  add constraint tokens_workflow_actor check ((kind = 'workflow') = (actor is not null)),
  add constraint tokens_workflow_project check (kind <> 'workflow' or project_id is not null);

alter table hosts drop constraint hosts_status_check;
alter table hosts
  add constraint hosts_status_check check (status in ('online', 'offline', 'incompatible', 'revoked', 'locked')),
  add column revoked_at timestamptz,
  -- The agent process before the one in boot_id: when that one comes back, two are using the host's identity.
  add column previous_boot_id text not null default '',
  -- Milliseconds that its wall clock was ahead of the server's when it last connected.
  add column clock_offset_ms integer;

-- ------------------------------------------------------------------ policies and approvals

create table policies (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  version integer not null,
  -- As written, and as read with every default filled in.
  source text not null,
  document jsonb not null,
  sha256 text not null,
  set_by text not null,
  created_at timestamptz not null default now(),
  unique (project_id, version)
);

create table approvals (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  environment_id uuid references environments (id),
  action text not null check (action in
    ('production-deploy', 'production-destroy', 'restore', 'rollback', 'shell', 'secret-read')),
  status text not null default 'open' check (status in ('open', 'approved', 'rejected', 'expired', 'void', 'used')),
  reason text not null default '',
  summary text not null,
  -- Exactly what would happen, as canonical JSON (RFC 8785), and its SHA-256: what people approve.
  subject text not null,
  subject_sha256 text not null,
  run_id uuid references runs (id),
  requested_by text not null,
  requester_id uuid references members (id),
  -- E-mail address of the commit's author, where there is one.
  commit_author text not null default '',
  -- The policy's rule when it was asked for: quorum, roles, four eyes.
  rule jsonb not null,
  policy_version integer not null,
  expires_at timestamptz not null,
  decided_at timestamptz,
  used_at timestamptz,
  -- Break-glass: who went ahead without the approval, and the review that follows.
  broken_by text,
  broken_reason text not null default '',
  broken_at timestamptz,
  review_closed_by text,
  review_note text not null default '',
  review_closed_at timestamptz,
  created_at timestamptz not null default now()
);
create index approvals_waiting on approvals (project_id, created_at) where status in ('open', 'approved');
-- One that was void may have to be asked for again.
create unique index approvals_of_run on approvals (run_id, subject_sha256) where run_id is not null and status <> 'void';

create table approval_votes (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  approval_id uuid not null references approvals (id),
  member_id uuid not null references members (id),
  decision text not null check (decision in ('approve', 'reject')),
  note text not null default '',
  created_at timestamptz not null default now(),
  unique (approval_id, member_id)
);

-- Leave to do one protected action once: written by the one place that may start it (server/governance/protect.ts).
create table authorizations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  environment_id uuid references environments (id),
  action text not null,
  subject_sha256 text not null,
  -- approval: somebody approved · break-glass · policy: none was needed · compensation: undoing what the run did
  basis text not null check (basis in ('approval', 'break-glass', 'policy', 'compensation')),
  approval_id uuid unique references approvals (id),
  run_id uuid references runs (id),
  policy_version integer not null,
  created_at timestamptz not null default now()
);
create unique index authorizations_of_run on authorizations (run_id, action) where run_id is not null;

alter table tasks add column authorization_id uuid references authorizations (id);

-- E-mail address of whoever pushed: they may not approve what follows.
alter table runs add column requester_email text not null default '';

-- ------------------------------------------------------------------ secrets

-- A key for each organization (and each rotation), sealed with the master key.
create table data_keys (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  version integer not null,
  key_sealed bytea not null,
  created_at timestamptz not null default now(),
  unique (organization_id, version)
);

create table secrets (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  name text not null check (name ~ '^[A-Z][A-Z0-9_]{0,63}$'),
  -- A stage or an environment's name; empty: every environment of the project.
  scope text not null default '',
  current_version integer not null,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index secrets_living on secrets (project_id, name, scope) where deleted_at is null;

create table secret_versions (
  organization_id uuid not null references organizations (id),
  secret_id uuid not null references secrets (id),
  version integer not null,
  data_key_id uuid not null references data_keys (id),
  -- AES-256-GCM under the data key, bound to secret and version.
  value_sealed bytea not null,
  set_by text not null,
  created_at timestamptz not null default now(),
  primary key (secret_id, version)
);

-- ------------------------------------------------------------------ audit tree

-- The newest runs of all projects, and of each environment.
create index runs_by_time on runs (organization_id, created_at desc);
create index runs_by_environment on runs (environment_id, created_at desc);

alter table audit_events
  add column project_id uuid references projects (id);
create index audit_events_by_subject on audit_events (organization_id, subject_id);

-- Each event's place in the organization's tree and its leaf hash (RFC 6962), given within a second of its commit.
create table audit_leaves (
  organization_id uuid not null references organizations (id),
  index bigint not null,
  event_id bigint not null references audit_events (id),
  leaf_hash bytea not null,
  primary key (organization_id, index),
  unique (event_id)
);
-- Roots of complete subtrees: 2^level leaves, the index-th such. Level 0 is audit_leaves.
create table audit_nodes (
  organization_id uuid not null references organizations (id),
  level smallint not null,
  index bigint not null,
  hash bytea not null,
  primary key (organization_id, level, index)
);
create table audit_checkpoints (
  organization_id uuid not null references organizations (id),
  size bigint not null,
  root bytea not null,
  -- C2SP signed note.
  note text not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, size)
);
-- What those who keep checkpoints outside this database said last.
create table audit_witnesses (
  organization_id uuid not null references organizations (id),
  -- `host:one`, `blobs`
  name text not null,
  size bigint not null,
  refusal text not null default '',
  seen_at timestamptz not null default now(),
  primary key (organization_id, name)
);

-- ------------------------------------------------------------------ evidence

create table signing_keys (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  purpose text not null check (purpose in ('statements', 'checkpoints')),
  algorithm text not null check (algorithm in ('ecdsa-p256', 'ed25519')),
  -- PEM, SubjectPublicKeyInfo
  public_key text not null,
  -- PKCS#8 in DER, sealed with the master key.
  private_sealed bytea not null,
  valid_from timestamptz not null default now(),
  valid_until timestamptz
);
create unique index signing_keys_current on signing_keys (organization_id, purpose) where valid_until is null;

create table statements (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  run_id uuid references runs (id),
  -- Names the member of a bundle: `deploy`, `clone`, `tests`.
  name text not null,
  predicate_type text not null,
  -- [{name, sha256}]
  subjects jsonb not null,
  -- Of the sigstore bundle, in blob storage.
  bundle_sha256 text not null,
  signing_key_id uuid not null references signing_keys (id),
  created_at timestamptz not null default now(),
  unique (run_id, name)
);
create index statements_by_project on statements (project_id, created_at desc);

-- The bundle of a run as it was first pulled: later pulls give the same bytes.
create table evidence_bundles (
  run_id uuid primary key references runs (id),
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  -- Of the tar.zst, in blob storage.
  sha256 text not null,
  size_bytes bigint not null,
  created_at timestamptz not null default now()
);

-- Which build made an image that a later one found in the registry.
create index runs_by_image on runs (project_id, (record ->> 'digest')) where record ->> 'imageBuilt' = 'true';

-- Lines that an agent had to drop: [{sequence, lines}], the entry that stands for them and how many they were.
alter table log_segments add column gaps jsonb not null default '[]';

-- The fleet's authorizer: signs what lets an agent touch production; its certificate is of the fleet's authority.
create table authorizer (
  id boolean primary key default true check (id),
  certificate text not null,
  key_sealed bytea not null,
  created_at timestamptz not null default now()
);

-- ------------------------------------------------------------------ row-level security

create function current_role_name() returns text
  language sql stable parallel safe
  return coalesce(nullif(current_setting('fairway.role', true), ''), 'none');

create function current_member() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('fairway.member', true), '')::uuid;

-- Whether the transaction's permission is one that its role or a grant of its member has, and that changes the table.
create function may_write(changed_table text) returns boolean
  language sql stable parallel safe
  return current_role_name() = 'system' or exists (
    select from permission_tables p
    where p.table_name = changed_table
      and p.permission = current_setting('fairway.permission', true)
      and (
        exists (select from role_permissions r where r.permission = p.permission and r.role = current_role_name())
        or exists (
          select from grants g
          where g.member_id = current_member() and g.permission = p.permission
            and g.revoked_at is null and g.expires_at > now()
            and g.project_id = any (nullif(nullif(current_setting('fairway.writes', true), ''), '*')::uuid[])
        )
      )
  );

grant select on role_permissions, permission_tables to fairway_app;

do $$
declare
  tenant_table text;
  -- Whose rows also belong to a project: the column, or the row that says which.
  project text;
  -- Sub-selects, so that each is asked once for a statement and not for each row; the settings themselves and not
  -- functions that read them, which the planner would unfold anew for each table of each statement. All is `*`, and
  -- nothing is what a transaction sees that was not told.
  tenant constant text := $e$organization_id = (select nullif(current_setting('fairway.organization', true), '')::uuid)$e$;
  sees_all constant text := $e$(select current_setting('fairway.projects', true) = '*')$e$;
  seen constant text := $e$(select nullif(nullif(current_setting('fairway.projects', true), ''), '*')::uuid[])$e$;
  writes_all constant text := $e$(select current_setting('fairway.writes', true) = '*')$e$;
  written constant text := $e$(select nullif(nullif(current_setting('fairway.writes', true), ''), '*')::uuid[])$e$;
  -- What is seen, and where a permission may reach.
  scope text;
  reach text;
  writable text;
begin
  for tenant_table, project in select * from (values
    ('members', ''), ('tokens', ''), ('hosts', ''), ('join_tokens', ''), ('pools', ''), ('login_codes', ''),
    ('data_keys', ''), ('audit_leaves', ''), ('audit_nodes', ''), ('audit_checkpoints', ''), ('audit_witnesses', ''),
    ('signing_keys', ''),
    ('projects', 'id'), ('branches', 'project_id'), ('environments', 'project_id'), ('runs', 'project_id'),
    ('cells', 'project_id'), ('snapshots', 'project_id'), ('log_streams', 'project_id'),
    ('webhook_deliveries', 'project_id'), ('project_members', 'project_id'), ('policies', 'project_id'),
    ('approvals', 'project_id'), ('authorizations', 'project_id'), ('secrets', 'project_id'),
    ('statements', 'project_id'), ('evidence_bundles', 'project_id'), ('grants', 'project_id'),
    ('steps', 'run_id in runs'), ('tasks', 'run_id in runs'), ('effects', 'run_id in runs'),
    ('artifacts', 'run_id in runs'), ('log_segments', 'stream_id in log_streams'),
    ('approval_votes', 'approval_id in approvals'), ('secret_versions', 'secret_id in secrets'),
    ('audit_events', 'project_id')
  ) as t (name, project) loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format('alter table %I force row level security', tenant_table);
    execute format('drop policy if exists tenant on %I', tenant_table);
    scope := tenant;
    reach := tenant;
    if project like '% in %' then
      -- Which of those rows are seen is that table's own policy.
      scope := scope || format(' and (%s or exists (select from %I p where p.id = %I.%I))',
        sees_all, split_part(project, ' in ', 2), tenant_table, split_part(project, ' in ', 1));
      reach := reach || format(' and (%s or exists (select from %I p where p.id = %I.%I and p.project_id = any (%s::uuid[])))',
        writes_all, split_part(project, ' in ', 2), tenant_table, split_part(project, ' in ', 1), written);
    elsif project <> '' then
      scope := scope || format(' and (%s or %I = any (%s::uuid[]))', sees_all, project, seen);
      reach := reach || format(' and (%s or %I = any (%s::uuid[]))', writes_all, project, written);
    end if;
    -- Anybody may leave a trace, also of what was refused, in whosever project; all else takes a permission.
    writable := case tenant_table when 'audit_events' then tenant
      else reach || format(' and (select may_write(%L))', tenant_table) end;
    execute format('create policy reading on %I for select to fairway_app using (%s)', tenant_table, scope);
    execute format('create policy adding on %I for insert to fairway_app with check (%s)', tenant_table, writable);
    execute format('create policy changing on %I for update to fairway_app using (%s) with check (%s)',
      tenant_table, writable, writable);
    execute format('create policy removing on %I for delete to fairway_app using (%s)', tenant_table, writable);
  end loop;
end $$;

drop policy tenant on organizations;
create policy reading on organizations for select to fairway_app
  using (id = (select nullif(current_setting('fairway.organization', true), '')::uuid));
create policy adding on organizations for insert to fairway_app
  with check (id = (select nullif(current_setting('fairway.organization', true), '')::uuid)
    and (select current_role_name()) = 'system');

grant select, insert, update on
  project_members, grants, login_codes, approvals, secrets, secret_versions, signing_keys, audit_witnesses to fairway_app;
-- What happened stays: nobody but the owner changes or deletes these rows.
grant select, insert on
  policies, approval_votes, authorizations, data_keys, audit_leaves, audit_nodes, audit_checkpoints, statements, evidence_bundles
  to fairway_app;
-- Renewed in place before its certificate ends.
grant select, insert, update on authorizer to fairway_app;

-- The scheduler's view across organizations, for what is new.
do $$
declare
  shown record;
begin
  for shown in select * from (values
    ('login_codes', 'id, organization_id, code_hash'),
    ('approvals', 'id, organization_id, status, expires_at'),
    ('audit_leaves', 'organization_id, index, event_id'),
    ('audit_events', 'id, organization_id'),
    ('audit_checkpoints', 'organization_id, size, created_at')
  ) as t (table_name, columns) loop
    execute format('grant select (%s) on %I to fairway_scheduler', shown.columns, shown.table_name);
    execute format('create policy scheduler on %I for select to fairway_scheduler using (true)', shown.table_name);
  end loop;
end $$;
