/**
 * Run inside an image: who is the user, which Odoo, which modules. Reads files only; manifests are evaluated as
 * literals and nothing of Odoo is imported. Chunked printing keeps lines short.
 */
export const probeScript = String.raw`
import ast, configparser, glob, importlib.util, json, os, re, site, sys
sys.path += site.getsitepackages()
paths, version = [], ''
spec = importlib.util.find_spec('odoo')
if spec is None:
    sys.exit('there is no Python package odoo')
for root in spec.submodule_search_locations or []:
    paths += [os.path.join(root, 'addons'), os.path.join(os.path.dirname(root), 'addons')]
    release = os.path.join(root, 'release.py')
    if os.path.isfile(release) and not version:
        match = re.search(r'version_info\s*=\s*\((\d+),\s*(\d+)', open(release).read())
        version = '.'.join(match.groups()) if match else ''
config = configparser.RawConfigParser()
for rc in [os.environ.get('ODOO_RC'), '/etc/odoo/odoo.conf']:
    if rc and os.path.isfile(rc) and os.access(rc, os.R_OK):
        config.read(rc)
        break
if config.has_option('options', 'addons_path'):
    paths += [path.strip() for path in config.get('options', 'addons_path').split(',')]
paths.append('/mnt/extra-addons')
modules = {}
for path in dict.fromkeys(paths):
    for file in sorted(glob.glob(os.path.join(glob.escape(path), '*', '__manifest__.py'))):
        folder = os.path.dirname(file)
        if not os.path.isfile(os.path.join(folder, '__init__.py')):
            continue
        try:
            manifest = ast.literal_eval(open(file, encoding='utf-8').read())
        except Exception as error:
            print(file, error, file=sys.stderr)
            continue
        auto = manifest.get('auto_install', False)
        modules.setdefault(os.path.basename(folder), {
            'depends': list(manifest.get('depends') or []),
            'installable': bool(manifest.get('installable', True)),
            'autoInstall': bool(auto) or isinstance(auto, (list, tuple, set)),
            'neutralize': os.path.isfile(os.path.join(folder, 'data', 'neutralize.sql')),
        })
text = json.dumps({'uid': os.getuid(), 'gid': os.getgid(), 'odooVersion': version, 'modules': modules})
for start in range(0, len(text), 8000):
    print(text[start:start + 8000])
`
