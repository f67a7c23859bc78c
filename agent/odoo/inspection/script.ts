import { bundlesScript } from './bundles-script.ts'

/**
 * Run by `odoo shell` of a candidate's image on its database, given on standard input. It reads every model once: what the
 * code stores against what PostgreSQL has. Where asked, it has Odoo make bundles. It says one finding a line, as JSON behind a
 * word of its own; what Odoo logs goes to standard error as ever.
 *
 * The rules are those of `Field.update_db`, `Many2many.update_db` and `Registry.check_tables_exist`; types of one family
 * read and write each other's values, and Odoo leaves them alone as well.
 */
export const inspectionScript = String.raw`
import inspect, json, re, sys

def say(kind, **finding):
    sys.stdout.write(settings['word'] + ' ' + json.dumps({'kind': kind, **finding}) + '\n')
    sys.stdout.flush()

families = {
    'int2': 'int', 'int4': 'int', 'int8': 'int', 'float4': 'number', 'float8': 'number', 'numeric': 'number',
    'varchar': 'text', 'text': 'text', 'bpchar': 'text', 'timestamp': 'time', 'timestamptz': 'time', 'date': 'date',
    'bool': 'bool', 'bytea': 'bytes', 'json': 'json', 'jsonb': 'json',
}

def read_catalog():
    env.cr.execute("""
        SELECT c.relname, c.relkind::text, a.attname, t.typname
          FROM pg_class c
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_type t ON t.oid = a.atttypid
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')""")
    catalog = {}
    for table, kind, column, type_name in env.cr.fetchall():
        catalog.setdefault(table, (kind, {}))[1][column] = type_name
    return catalog

def modules_of(field):
    return [name for name in getattr(field, '_modules', None) or [getattr(field, '_module', None)] if name]

def stored(model):
    return [field for field in model._fields.values() if field.store and field.column_type]

def fault(model, what, detail, field=None, modules=()):
    say('fault', what=what, model=model._name, field=field or '', detail=detail,
        module=(list(modules) or [getattr(model, '_original_module', None) or ''])[0])

def read_query(model):
    # Asks for no row: PostgreSQL looks up every column and table of it all the same. Models that make up their records
    # have '0' for a query.
    query = model._table_query
    if not re.match(r'[\s(]*(SELECT|WITH)\b', getattr(query, 'code', query), re.I):
        return None
    if isinstance(query, str):
        # With parameters, as Odoo does it: a %% of the model's is one %.
        asked, values = 'SELECT * FROM (' + query.rstrip().rstrip(';') + ') AS inspected LIMIT 0', ()
    else:
        from odoo.tools import SQL
        asked, values = SQL('SELECT * FROM (%s) AS inspected LIMIT 0', query), None
    env.cr.execute(asked, values, log_exceptions=False)
    return {column[0] for column in env.cr.description}

def inspect_columns(model, columns):
    # What a report adds up itself is no column of its view.
    base = odoo.models.BaseModel
    for name in ('_read_group_select', 'read_group', '_read_group_raw'):
        if getattr(type(model), name, None) is not getattr(base, name, None):
            return
    for field in stored(model):
        if field.name not in columns:
            fault(model, 'no-view-column', model._table + '.' + field.name, field.name, modules_of(field))

def inspect_query(model):
    try:
        with env.cr.savepoint(flush=False):
            columns = read_query(model)
    except Exception as error:
        # Of PostgreSQL, or of the model's own Python code, which may want more than a look.
        if getattr(error, 'pgcode', None):
            fault(model, 'unreadable', str(error).strip().splitlines()[0])
        return
    if columns is not None:
        inspect_columns(model, columns)

def inspect_table(model, catalog):
    kind, columns = catalog.get(model._table, (None, {}))
    if kind is None:
        return fault(model, 'no-table', model._table)
    if kind in 'vm':
        return inspect_columns(model, columns)
    for field in stored(model):
        found, wanted = columns.get(field.name), field.column_type[0]
        if found is None:
            fault(model, 'no-column', model._table + '.' + field.name, field.name, modules_of(field))
        elif families.get(found, wanted) != families.get(wanted, found):
            fault(model, 'wrong-type', 'is %s, and the code wants %s' % (found, wanted), field.name, modules_of(field)[::-1])

def inspect_relations(model, catalog):
    for field in model._fields.values():
        if field.type != 'many2many' or not field.store or not getattr(field, 'relation', None):
            continue
        kind, columns = catalog.get(field.relation, (None, {}))
        missing = [name for name in (field.column1, field.column2) if name and name not in columns]
        if kind is None:
            fault(model, 'no-relation', field.relation, field.name, modules_of(field))
        elif missing:
            fault(model, 'no-column', field.relation + '.' + missing[0], field.name, modules_of(field))

def inspect_models():
    env.cr.execute("SET LOCAL statement_timeout = '60s'")
    catalog = read_catalog()
    models = [env[name] for name in sorted(env.registry.models) if not env[name]._abstract]
    for model in models:
        if getattr(model, '_table_query', None) is not None:
            inspect_query(model)
        else:
            inspect_table(model, catalog)
            inspect_relations(model, catalog)
    env.cr.rollback()
    say('models', count=len(models))

${bundlesScript}
say('begun')
inspect_models()
if settings['bundles']:
    make_bundles()
say('done')
`
