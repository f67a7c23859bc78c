/** PostgreSQL's database and role of a cell. Odoo connects to `db:5432` on the cell's network. */
export const DATABASE = 'odoo'
export const ROLE = 'odoo'

/** Asks a tenant's database: reads, owns nothing, may do nothing else. See `hostile-database.ts`. */
export const READER = 'fairway_reader'
/** Acts in a tenant's database with exactly the rights of Odoo's own role, and never with more. */
export const WRITER = 'fairway_writer'
