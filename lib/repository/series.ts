/**
 * The series of Odoo that a module's version is written for, `19.0` of `19.0.1.2.0`; undefined where it names none.
 * Three numbers are a version of the module's own, as Odoo takes them, and so are those before the first series, 6.0.
 */
export function seriesOf(version: string): string | undefined {
  return /^(saas[~-]\d{1,2}\.\d{1,2}|(?:[6-9]|[1-9]\d)\.\d{1,2})(?:\.\d+){2,3}$/.exec(version.trim())?.[1]
}
