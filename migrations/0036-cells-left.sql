-- Cells that a host may have kept of runs which ended while it was away are looked for by each build of their project.
create index cells_left on cells (project_id) where status in ('making', 'retired');
