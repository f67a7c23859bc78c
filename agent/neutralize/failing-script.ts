import { DATABASE } from '../database/names.ts'

/** Before the one line of JSON that the script has to say. */
export const failingMark = 'fairway-failing: '

/**
 * Run inside an image, as `odoo neutralize` would be: each installed module's data/neutralize.sql as Odoo finds it
 * (`get_installed_modules` and `get_neutralization_queries` of odoo/modules/neutralize.py, there since 16), in one
 * transaction that is taken back. Says which failed, and on what. Where in the file it is, PostgreSQL says of a statement
 * that makes no sense; where the data do not fit, statements are tried one by one.
 */
export const failingScript = String.raw`
import json, re
import psycopg2
from odoo.tools import config
config.parse_config(['--database=${DATABASE}', '--no-database-list', '--data-dir=/var/lib/odoo'])
from odoo.modules import neutralize

token = re.compile(r"""
    --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$ | [eE]'(?:[^'\\]|\\.|'')*' | '[^']*' | "[^"]*" | ; | \w+ | \s+ | .
""", re.S | re.X)

def statements(text):
    start = None
    for match in token.finditer(text if len(text) < 200000 else ''):
        part = match.group()
        if part == ';':
            if start is not None:
                yield start, text[start:match.start()]
            start = None
        elif start is None and not part.isspace() and not part.startswith(('--', '/*')):
            start = match.start()
    if start is not None:
        yield start, text[start:].rstrip()

def short(error):
    primary = getattr(getattr(error, 'diag', None), 'message_primary', None)
    return primary or (str(error).splitlines() or [''])[0] or type(error).__name__

def place(text, error):
    position = getattr(getattr(error, 'diag', None), 'statement_position', None)
    if position:
        at = int(position) - 1
        inside = [one for start, one in statements(text) if start <= at <= start + len(one)]
        return at, inside[0] if inside else text[at:]
    for start, one in statements(text):
        try:
            cursor.execute(one)
        except Exception as again:
            return (start, one) if short(again) == short(error) else (None, '')
    return None, ''

connection = psycopg2.connect('')
cursor = connection.cursor()
for module in neutralize.get_installed_modules(cursor):
    text = ''
    cursor.execute('SAVEPOINT before')
    try:
        for text in neutralize.get_neutralization_queries([module]):
            cursor.execute(text)
    except Exception as error:
        try:
            cursor.execute('ROLLBACK TO SAVEPOINT before')
        except psycopg2.Error:
            # The file ended the transaction itself.
            connection.rollback()
        at, statement = place(text, error)
        print('\n${failingMark}' + json.dumps({
            'module': module, 'error': short(error)[:600], 'statement': statement[:600],
            'line': 0 if at is None else text.count('\n', 0, at) + 1,
        }), flush=True)
        break
connection.rollback()
`
