-- What a host last said that the environment's database has installed, and with which code: what plans are made from. Null:
-- not known, and `deployment` says what was meant to be. See ContentsRecord in server/db/record.ts.
alter table environments add column contents jsonb;

-- What is at production's data is put back by the server that began it, and by no other: this one asks the host first what
-- the database has, and would ask in the middle.
do $$
begin
  if exists (
    select from runs join steps on steps.run_id = runs.id
    where runs.status = 'running' and runs.kind in ('build', 'promote', 'rollback') and runs.stage = 'production'
      and steps.name = 'approve' and steps.status = 'succeeded'
  ) then
    raise exception 'a release or a rollback of production is under way: start the former server again, let it end, then upgrade';
  end if;
end $$;
