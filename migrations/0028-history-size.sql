-- What the server asks for all the time reads as much after a million runs as after a hundred: each of these says which
-- question it is for. test/integration/history-size.test.ts counts the rows that are read.

-- Claims: the streams of a task's former epochs.
create index log_streams_by_task on log_streams (task_id) where task_id is not null;

-- What is under way, of a project (admission), of a branch (a push takes the place of others), of an environment (what
-- it is waiting for). `advance_at is not null` says the same and the planner cannot know that.
create index runs_living_by_project on runs (project_id) where status in ('queued', 'running');
create index runs_living_by_branch on runs (branch_id) where status in ('queued', 'running');
create index runs_living_by_environment on runs (environment_id) where status in ('queued', 'running');
drop index runs_active_by_branch;

-- The newest build of a branch, and a branch's list.
create index builds_by_branch on runs (branch_id, number desc) where kind = 'build';
-- Which build had that commit.
create index builds_by_commit on runs (project_id, commit) where kind = 'build';
-- What ended last, with its evidence.
create index runs_ended on runs (organization_id, finished_at desc) where finished_at is not null;
create index runs_ended_by_project on runs (project_id, finished_at desc) where finished_at is not null;
-- What went to production.
create index runs_to_production on runs (project_id, created_at desc)
  where stage = 'production' and kind in ('build', 'promote', 'rollback');
-- Images: of rehearsals that still count, of what was built to compare, and under which names a project's images are.
create index runs_rehearsed on runs (project_id, finished_at) where kind = 'rehearse';
create index runs_reproduced on runs (project_id) where record ? 'reproductions';
create index runs_by_repository on runs (project_id, split_part(record ->> 'image', '@', 1)) where record ? 'image';

-- Which hosts built an image.
create index tasks_by_image on tasks ((output -> 'buildImage' ->> 'digest')) where kind = 'buildImage' and status = 'succeeded';

create index branches_to_destroy on branches (destroy_at) where destroy_at is not null;

create index environments_by_project on environments (project_id, created_at);
create index environments_by_branch on environments (branch_id);
create index environments_by_cell on environments (cell_id) where cell_id is not null;
create index environments_standing on environments (project_id) where destroyed_at is null;
create index environments_of_production on environments (project_id) where stage = 'production';

-- What a run keeps from being cloned; what a host has.
create index cells_held on cells (held_by) where held_by is not null;
create index cells_by_host on cells (host_id) where status in ('active', 'retired');
create index snapshots_by_cell on snapshots (cell_id) where status <> 'destroyed';
create index snapshots_by_host on snapshots (host_id) where status = 'ready';
create index snapshots_living on snapshots (project_id) where status <> 'destroyed';

create index approvals_by_run on approvals (run_id) where run_id is not null;
create index releases_by_time on releases (project_id, went_live_at);

create index audit_events_by_project on audit_events (project_id, id desc) where project_id is not null;
create index audit_events_by_actor on audit_events (organization_id, actor, id desc);
