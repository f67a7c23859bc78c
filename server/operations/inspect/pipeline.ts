import type { Pipeline, ReleaseActions } from '../../runs/types.ts'

/** A look at production's data: what a rollback would lose, or whom a password that every Odoo has lets in. */
export const inspect: Pipeline<ReleaseActions> = (run) => run.step('inspect', () => run.inspectProduction())
