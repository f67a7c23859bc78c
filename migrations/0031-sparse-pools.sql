-- Pools in sparse images are watched with the file system around them.

alter table pools
  -- What that has left; null: the pool is in no sparse image.
  add column outer_free_bytes bigint;
