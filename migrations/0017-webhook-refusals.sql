-- Deliveries that were refused, for whoever sets a webhook up: until now only the server's log had them.

-- One row for each kind of refusal, counted: who knows no secret makes no more of them.
create table webhook_refusals (
  organization_id uuid not null references organizations (id),
  project_id uuid not null references projects (id),
  forge text not null check (forge in ('github', 'gitlab', 'gitea', 'bitbucket')),
  reason text not null check (reason in
    ('headers', 'unsigned', 'signature', 'other-repository', 'body', 'payload', 'not-acted-on', 'server-failed')),
  -- Of the last one: its event, the repository that it names, and why it was refused.
  event text not null,
  repository text not null,
  explanation text not null,
  refusals integer not null,
  first_refused_at timestamptz not null,
  last_refused_at timestamptz not null,
  primary key (project_id, forge, reason)
);

do $$
declare
  tenant constant text := $e$organization_id = (select nullif(current_setting('fairway.organization', true), '')::uuid)$e$;
  seen constant text := $e$((select current_setting('fairway.projects', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.projects', true), ''), '*')::uuid[])::uuid[]))$e$;
  written constant text := $e$((select current_setting('fairway.writes', true) = '*')
    or project_id = any ((select nullif(nullif(current_setting('fairway.writes', true), ''), '*')::uuid[])::uuid[]))
    and (select may_write('webhook_refusals'))$e$;
begin
  alter table webhook_refusals enable row level security;
  alter table webhook_refusals force row level security;
  execute format('create policy reading on webhook_refusals for select to fairway_app using (%s and %s)', tenant, seen);
  execute format('create policy adding on webhook_refusals for insert to fairway_app with check (%s and %s)', tenant, written);
  execute format('create policy changing on webhook_refusals for update to fairway_app using (%s and %s) with check (%s and %s)',
    tenant, written, tenant, written);
  execute format('create policy removing on webhook_refusals for delete to fairway_app using (%s and %s)', tenant, written);
end $$;
grant select, insert, update on webhook_refusals to fairway_app;

insert into permission_tables (permission, table_name) values ('webhook.receive', 'webhook_refusals');
