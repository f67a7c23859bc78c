-- What a failed update of production left can be opened: a run that makes a neutralized copy, and who may ask for it.

alter table runs drop constraint runs_kind_check;
alter table runs add constraint runs_kind_check check (kind in
  ('build', 'start', 'stop', 'destroy', 'lock', 'rehearse', 'inspect', 'promote', 'rollback', 'study'));

insert into role_permissions (permission, role)
select 'environment.open-failed', unnest('{owner, release-manager, developer}'::text[]);
insert into permission_tables (permission, table_name)
select 'environment.open-failed', unnest('{projects, environments, runs}'::text[]);
