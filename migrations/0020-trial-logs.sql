-- A runtime that is only tried, in a rehearsal, has a log as well: the run's own, and of no environment.
alter table log_streams
  drop constraint log_streams_check,
  add constraint log_streams_check check (
    (task_id is null) <> (environment_id is null)
    or (task_id is null and environment_id is null and run_id is not null and step = 'runtime')
  );
