import { DATABASE } from '../database/names.ts'

/** Before the one line of JSON that the script has to say of a failure. */
export const failingMark = 'fairway-failing: '

/** Before the module whose file is run: the last one is what a run hangs in. */
export const runningMark = 'neutralizing: '

const statementMinutes = 30

/**
 * Run inside an image in place of `odoo neutralize`, which does not say which file it failed on: each installed module's
 * data/neutralize.sql as `neutralize_database` of odoo/modules/neutralize.py runs it (there since 16), by Odoo's own
 * functions, in one transaction. Ends with 1 where one fails, and says which and on what. Where in the file it is,
 * PostgreSQL says of a statement that makes no sense; where the data do not fit, statements are tried one by one.
 *
 * One thing is refused that Odoo takes: a file with a ROLLBACK of its own takes back what the files before it did, without
 * a word.
 */
export const neutralizeScript = String.raw`
import json, re, sys
import psycopg2
from odoo.tools import config
config.parse_config(['--database=${DATABASE}', '--no-database-list', '--data-dir=/var/lib/odoo'])
from odoo.modules import neutralize
from odoo.tools.misc import file_path

token = re.compile(r"""
    --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$ | [eE]'(?:[^'\\]|\\.|'')*' | '[^']*' | "[^"]*" | ; | \w+ | \s+ | .
""", re.S | re.X)

class Refused(Exception):
    pass

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

def takes_back(text):
    for start, one in statements(text):
        if re.match(r'(rollback|abort)\b(?!.*\bto\b)', one, re.I | re.S):
            return start, one
    return None

def connect():
    connection = psycopg2.connect('', options='-c statement_timeout=${statementMinutes}min')
    connection.set_session(isolation_level='REPEATABLE READ')
    return connection

def run(connection, text):
    cursor = connection.cursor()
    cursor.execute('SELECT txid_current()')
    transaction = cursor.fetchone()
    cursor.execute(text)
    cursor.execute('SELECT txid_status(%s)', transaction)
    state = cursor.fetchone()[0]
    if state == 'aborted' or (state != 'in progress' and takes_back(text)):
        raise Refused('it takes back what was done up to there, by the files of other modules as well')
    if state != 'in progress':
        # It ended the transaction, which psycopg2 does not know: what follows is one again.
        connection.commit()

def short(error):
    primary = getattr(getattr(error, 'diag', None), 'message_primary', None)
    said = primary or (str(error).splitlines() or [''])[0] or type(error).__name__
    return said.replace('/mnt/extra-addons/', '')

def place(connection, text, error):
    if isinstance(error, Refused):
        return takes_back(text) or (None, '')
    position = getattr(getattr(error, 'diag', None), 'statement_position', None)
    if position:
        at = int(position) - 1
        inside = [one for start, one in statements(text) if start <= at <= start + len(one)]
        return at, inside[0] if inside else text[at:]
    for start, one in statements(text):
        try:
            connection.cursor().execute(one)
        except Exception as again:
            return (start, one) if short(again) == short(error) else (None, '')
    return None, ''

def kind_of(text, statement, error):
    if isinstance(error, UnicodeDecodeError):
        return 'encoding'
    if getattr(error, 'pgcode', None) == '57014':
        return 'time'
    if text is None or isinstance(error, Refused):
        return ''
    if text.startswith('\ufeff'):
        return 'mark'
    if not any(True for one in statements(text)):
        return 'empty'
    if statement.startswith('\\') or re.search(r'(?im)^\s*copy\b[^;]*\bfrom\s+stdin\b|^\\', text):
        return 'psql'
    return ''

def is_own(module):
    try:
        return file_path(module + '/data/neutralize.sql').startswith('/mnt/extra-addons/')
    except Exception:
        return True

def ask_at_once(connection):
    connection.cursor().execute('SET CONSTRAINTS ALL IMMEDIATE')

def fail(module, text, error, done, immediate):
    at, statement = None, ''
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b'\n', 0, error.start) + 1
    else:
        again = connect()
        if immediate:
            ask_at_once(again)
        if text is not None:
            for former in done:
                again.cursor().execute(former)
            at, statement = place(again, text, error)
        line = 0 if at is None else text.count('\n', 0, at) + 1
    print('\n${failingMark}' + json.dumps({
        'module': module, 'error': short(error)[:600], 'statement': statement[:600], 'line': line,
        'kind': kind_of(text, statement, error), 'own': is_own(module),
    }), flush=True)
    sys.exit(1)

def run_all(connection, modules, immediate=False):
    done = []
    for module in modules:
        text = None
        try:
            if immediate:
                ask_at_once(connection)
            for text in neutralize.get_neutralization_queries([module]):
                print('${runningMark}' + module, flush=True)
                run(connection, text)
                done.append(text)
        except Exception as error:
            connection.close()
            fail(module, text, error, done, immediate)

connection = connect()
modules = neutralize.get_installed_modules(connection.cursor())
run_all(connection, modules)
try:
    connection.commit()
except psycopg2.Error:
    # A constraint that is asked at the end says no: asked at once, it says of what.
    connection.close()
    run_all(connect(), modules, immediate=True)
    raise
`
