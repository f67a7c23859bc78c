-- New productions: a password that was made for their administrator, shown once.
alter table cells
  -- Whom it was shown to first, as in the audit log, and when; null: nobody has asked yet.
  add column administrator_shown_to text,
  add column administrator_shown_at timestamptz,
  -- When the password is forgotten; null: with the cell, as that of a copy.
  add column administrator_expires_at timestamptz,
  -- Users whom a password that every Odoo has lets in, when the host last looked; null: nobody looked.
  add column default_logins text[];

create index cells_with_first_password on cells (administrator_expires_at) where administrator_expires_at is not null;
grant select (id, organization_id, administrator_expires_at) on cells to fairway_scheduler;
create policy scheduler on cells for select to fairway_scheduler using (true);
