import { maxManifestBytes } from '../../lib/repository/manifest.ts'

/**
 * Run inside an image: who is the user, which Odoo, which manifests, packages and programs. Reads files only,
 * and nothing of Odoo is imported: what a manifest says is read by the reader of all manifests. Chunked printing keeps lines
 * short.
 */
export const probeScript = String.raw`
max_manifest = ${maxManifestBytes}
import base64, configparser, glob, importlib.metadata, importlib.util, json, os, re, site, subprocess, sys
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
manifests = []
for path in dict.fromkeys(paths):
    for folder in sorted(glob.glob(os.path.join(glob.escape(path), '*', ''))):
        for name in ('__manifest__.py', '__openerp__.py'):
            file = os.path.join(folder, name)
            if os.path.isfile(file) and os.access(file, os.R_OK):
                with open(file, 'rb') as text:
                    content = text.read(max_manifest + 1)
                manifests.append({
                    'module': os.path.basename(os.path.dirname(file)),
                    'file': file,
                    'content': base64.b64encode(content).decode(),
                    'neutralize': os.path.isfile(os.path.join(folder, 'data', 'neutralize.sql')),
                })
distributions, imports = {}, {}
for found in importlib.metadata.distributions():
    name = re.sub(r'[-_.]+', '-', found.metadata['Name'] or '').lower()
    # The first on the path is the one that is imported.
    if not name or name in distributions:
        continue
    distributions[name] = found.version
    tops = (found.read_text('top_level.txt') or '').split()
    for file in found.files or []:
        first = file.parts[0]
        if len(file.parts) > 1 and file.suffix == '.py':
            tops.append(first)
        elif len(file.parts) == 1 and file.suffix in ('.py', '.so'):
            tops.append(first.split('.')[0])
    for top in tops:
        if top.isidentifier():
            imports.setdefault(top, name)
executables = set()
for folder in os.environ.get('PATH', '').split(':'):
    if os.path.isdir(folder):
        executables.update(entry.name for entry in os.scandir(folder) if os.access(entry.path, os.X_OK) and not entry.is_dir())
system = {}
if os.path.isfile('/etc/os-release'):
    for line in open('/etc/os-release', encoding='utf-8'):
        key, _, value = line.strip().partition('=')
        system[key] = value.strip('"')
packages = []
try:
    fields = ' '.join('@{%s}' % field for field in ('db:Status-Status', 'Package', 'Version', 'Architecture'))
    query = ['dpkg-query', '-W', '-f', fields.replace('@', '$') + '\n']
    listed = subprocess.run(query, stdout=subprocess.PIPE, text=True)
    packages = sorted(line.split()[1:] for line in listed.stdout.splitlines() if line.startswith('installed '))
except FileNotFoundError:
    pass
text = json.dumps({
    'uid': os.getuid(), 'gid': os.getgid(), 'odooVersion': version, 'manifests': manifests,
    'distributions': distributions, 'imports': imports, 'executables': sorted(executables),
    'system': {'id': system.get('ID', ''), 'version': system.get('VERSION_ID', '')}, 'packages': packages,
})
for start in range(0, len(text), 8000):
    print(text[start:start + 8000])
`
