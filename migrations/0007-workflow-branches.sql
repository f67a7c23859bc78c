-- A workflow's token sees the runs of its own branch, and what came of them. `fairway.branch` names it; empty for
-- everybody else. Steps, tasks and artifacts are seen with their run.

create policy own_branch on runs as restrictive for select to fairway_app
  using ((select coalesce(current_setting('fairway.branch', true), '') = '') or exists (
    select from branches b where b.id = runs.branch_id and b.name = (select current_setting('fairway.branch', true))));

do $$
declare
  tenant_table text;
begin
  foreach tenant_table in array array['approvals', 'log_streams', 'statements', 'evidence_bundles', 'releases'] loop
    execute format($policy$create policy own_branch on %1$I as restrictive for select to fairway_app
      using ((select coalesce(current_setting('fairway.branch', true), '') = '')
        or exists (select from runs r where r.id = %1$I.run_id))$policy$, tenant_table);
  end loop;
end $$;
