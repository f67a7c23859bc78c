-- Identity: one person cannot be two, and a repository is who it was.

-- ------------------------------------------------------------------ through whose hands a login went

-- Actors: whoever issued the code, and whoever issued theirs. They never count as somebody else (see
-- server/governance/approvals/same-person.ts). Codes and sessions of before say nothing of it.
alter table login_codes
  add column kind text not null default 'invitation' check (kind in ('invitation', 'recovery', 'operator')),
  add column issued_by text[] not null default '{}';
alter table tokens add column issued_by text[] not null default '{}';
alter table runs add column requester_issuers text[] not null default '{}';
alter table approvals
  add column requester_issuers text[] not null default '{}',
  add column broken_issuers text[] not null default '{}';
alter table approval_votes add column issuers text[] not null default '{}';
create index login_codes_by_member on login_codes (member_id);

-- Whom the OpenID provider knows a member as, since their first login there.
alter table members
  add column oidc_issuer text,
  add column oidc_subject text,
  add constraint members_oidc check ((oidc_issuer is null) = (oidc_subject is null));
create unique index members_by_subject on members (organization_id, oidc_issuer, oidc_subject) where removed_at is null;

-- A lost access: one owner asks, another one confirms, and only then there is a code.
create table member_recoveries (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id),
  member_id uuid not null references members (id),
  requested_by text not null,
  requester_issuers text[] not null default '{}',
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  confirmed_by text,
  confirmed_at timestamptz
);
create index member_recoveries_by_member on member_recoveries (member_id);

insert into permission_tables (permission, table_name) values ('member.manage', 'member_recoveries');

do $$
declare
  tenant constant text := $e$organization_id = (select nullif(current_setting('fairway.organization', true), '')::uuid)$e$;
  writable constant text := tenant || $e$ and (select may_write('member_recoveries'))$e$;
begin
  alter table member_recoveries enable row level security;
  alter table member_recoveries force row level security;
  execute format('create policy reading on member_recoveries for select to fairway_app using (%s)', tenant);
  execute format('create policy adding on member_recoveries for insert to fairway_app with check (%s)', writable);
  execute format('create policy changing on member_recoveries for update to fairway_app using (%s) with check (%s)',
    writable, writable);
  execute format('create policy removing on member_recoveries for delete to fairway_app using (%s)', writable);
end $$;
grant select, insert, update on member_recoveries to fairway_app;

-- ------------------------------------------------------------------ repositories on GitHub

-- Ids that GitHub never gives twice, unlike names; null until the first delivery or workflow that is believed.
alter table projects
  add column github_repository_id bigint,
  add column github_owner_id bigint;
create index projects_by_github_repository on projects (github_repository_id);
grant select (github_repository_id) on projects to fairway_scheduler;

-- What a workflow's token is for; null for tokens of before, which live for a quarter of an hour.
alter table tokens
  add column workflow_ref text,
  add column workflow_commit text;

-- ------------------------------------------------------------------ envelopes of secrets

-- 2: seals only envelopes that are bound to project and scope as well (see server/governance/secrets/envelope.ts).
alter table data_keys add column envelope smallint not null default 1 check (envelope in (1, 2));
