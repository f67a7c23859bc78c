-- The end of projects, and of staging environments whose branch is gone.

alter table projects
  -- Nothing starts in it any more; what runs goes on until it is stopped.
  add column archived_at timestamptz,
  -- Its environments, secrets, tokens and grants are gone. The row stays for what was done: runs, evidence, audit log.
  add column deleted_at timestamptz;

insert into permission_tables (permission, table_name) values ('project.manage', 'runs');

-- Branches that went before their staging environments were given an end.
update branches set destroy_at = now() + interval '7 days'
where stage = 'staging' and deleted_at is not null and destroy_at is null
  and exists (select from environments e where e.branch_id = branches.id and e.stage = 'staging' and e.status <> 'destroyed');
