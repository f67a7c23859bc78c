-- Cells whose data are between two states.

alter table cells
  -- An update or a restore began to change its data then, and has not come to its end; null: none.
  add column dirty_since timestamptz;
grant select (dirty_since) on cells to fairway_scheduler;
