-- Copies of production: how their administrator signs in.
alter table cells
  -- Empty: nobody got a password.
  add column administrator_login text not null default '',
  -- Sealed with the master key: server/governance/administrator-password.ts.
  add column administrator_sealed bytea;

insert into role_permissions (permission, role) select 'environment.sign-in', unnest('{owner, release-manager, developer}'::text[]);
