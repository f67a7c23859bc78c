import type { Rule } from './rule.ts'
import { literal, quote, type Schema } from './schema.ts'

/**
 * PostgreSQL samples values for its planner: of a small table all of them. They outlive the rows that had them, and the
 * tables' owner, which is Odoo's role, reads them in `pg_stats`: so whatever was taken away is taken away there as well.
 * Comes after all other rules.
 */
export function statistics(schema: Schema, rules: readonly Rule[]): Rule[] {
  const columns = new Map<string, Set<string>>()
  for (const rule of rules) {
    if (rule.isSecret === false) continue
    // A rule that names none takes rows away.
    const named =
      rule.columns.length > 0 ? rule.columns : schema.columnsOf(rule.table).map(({ name }) => name)
    columns.set(rule.table, new Set([...(columns.get(rule.table) ?? []), ...named]))
  }
  return [...columns].flatMap(([table, named]) => forget(schema, table, named))
}

function forget(schema: Schema, table: string, named: ReadonlySet<string>): Rule[] {
  const held = schema.columnsOf(table).filter(({ name, kind }) => kind !== 'other' && named.has(name))
  if (held.length === 0) return []
  const name = 'no value of production in the planner’s statistics'
  const rule = { name, table, columns: held.map((column) => column.name) }
  return [
    {
      ...rule,
      change: `analyze public.${quote(table)}`,
      offences: held.map(remembers(table)).join(' union all '),
    },
    { ...rule, columns: [], change: forgetEmpty(table), offences: nothing },
  ]
}

const nothing = `select 'nothing' as item where false`

// PostgreSQL samples no longer values, and of large tables some rows only: there one look for each value would take long.
const longestBytes = 1100
const mostRows = 100_000

/** A column whose statistics have values that no row has any more. */
const remembers =
  (table: string) =>
  ({ name }: { name: string }): string =>
    `(
    select ${literal(`${table}.${name}`)} as item
      from pg_stats s, unnest(array_cat(most_common_vals::text::text[], histogram_bounds::text::text[])) as known
     where s.schemaname = 'public' and s.tablename = ${literal(table)} and s.attname = ${literal(name)}
       and (select reltuples from pg_class where oid = ${regclass(table)}) < ${mostRows}
       and known <> '' and not exists (
         select from public.${quote(table)} t
          where pg_column_size(t.${quote(name)}) <= ${longestBytes} and t.${quote(name)}::text = known)
       and not ${isOutOfReach(table, name)}
     limit 1)`

/**
 * ANALYZE leaves what it knew of a table that has no rows now. Before PostgreSQL 18 a column loses its statistics only by
 * a change of type, to the same one here, which PostgreSQL refuses where a view stands on it.
 */
const forgetEmpty = (table: string): string => `do ${literal(bodyOf(table))}`

const bodyOf = (table: string): string => `
  declare
    of record;
  begin
    if exists (select from public.${quote(table)}) then
      return;
    end if;
    for of in
      select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
        from pg_attribute a
       where a.attrelid = ${regclass(table)} and a.attnum > 0 and not a.attisdropped
         and exists (select from pg_stats s where s.schemaname = 'public'
                        and s.tablename = ${literal(table)} and s.attname = a.attname)
    loop
      if current_setting('server_version_num')::int >= 180000 then
        perform pg_clear_attribute_stats('public', ${literal(table)}, of.name, false);
      else
        begin
          execute format('alter table public.%I alter column %I type %s', ${literal(table)}, of.name, of.type);
        exception when feature_not_supported then
          null;
        end;
      end if;
    end loop;
  end`

/** What `forgetEmpty` can't reach: views on columns of tables without rows, before PostgreSQL 18. */
const isOutOfReach = (table: string, column: string): string => `(
  current_setting('server_version_num')::int < 180000
  and not exists (select from public.${quote(table)})
  and exists (select from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
               where d.classid = 'pg_rewrite'::regclass and d.refobjid = ${regclass(table)}
                 and a.attname = ${literal(column)}))`

const regclass = (table: string): string => `${literal(`public.${quote(table)}`)}::regclass`
