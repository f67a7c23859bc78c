-- What hosts have prepared of base images for new databases.

alter table pools
  -- As the host's inventory says: [{id, image, postgresImage, demo, sizeBytes, madeAt}]
  add column bases jsonb not null default '[]';
