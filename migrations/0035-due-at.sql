-- A server that knows nothing of newer schemas advances whatever it finds due, also in a database that a newer one has
-- changed: it takes a way back that failed once for the end of a run, and a refusal on record for consent. It looks at
-- advance_at, and may no more; due_at says the same to those that know.
alter table runs add column due_at timestamptz;

create function note_when_due() returns trigger language plpgsql as $$
begin
  new.due_at := new.advance_at;
  return new;
end $$;
create trigger note_when_due before insert or update of advance_at on runs
  for each row execute function note_when_due();

update runs set due_at = advance_at where advance_at is not null;
create index runs_due_first on runs (due_at) where due_at is not null;
drop index runs_due;

grant select (due_at) on runs to fairway_scheduler;
revoke select (advance_at) on runs from fairway_scheduler;
