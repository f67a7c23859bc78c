-- A host looks once a day whether production still lets in whoever has the password that every Odoo has.
alter table cells
  -- When it was last asked to, or told it with a deployment; null: never.
  add column passwords_looked_at timestamptz;

create index cells_of_production on cells (passwords_looked_at) where stage = 'production' and status = 'active';
grant select (stage, status, purpose, created_at, passwords_looked_at) on cells to fairway_scheduler;
