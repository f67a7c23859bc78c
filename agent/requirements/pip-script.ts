import { wheelScript } from './wheel-script.ts'

/**
 * Run inside an image, as its user: pip, told what to do by JSON on standard input. /work is a folder of the task.
 *
 * `resolve` answers what pip would install beside what the image has, pinned, what these packages bring, and which
 * dependencies of manifests nobody brings; nothing is installed.
 * `install` fetches pinned packages, every file checked by its hash, and installs them below /work/root.
 *
 * Packages that come as source are built with what the image has (no isolation: it would fetch unpinned tools). Nothing
 * secret is here: the index is the agent's own address, which adds what there is to present.
 * What pip says goes to standard error; the answer, in short lines, to standard output.
 */
export const pipScript = String.raw`
import glob, json, os, re, subprocess, sys
from pip import __version__ as pip_version
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
from pip._vendor.packaging.utils import canonicalize_name

${wheelScript}
job = json.load(sys.stdin)
work = '/work'
# For manifests of addons: what is larger is answered by its size alone.
room = job.get('maxManifestsBytes', 0)
os.environ.update({
    'HOME': work + '/home', 'TMPDIR': work + '/tmp', 'PIP_NO_INPUT': '1', 'PIP_NO_CACHE_DIR': '1',
    'PIP_DISABLE_PIP_VERSION_CHECK': '1', 'PIP_BREAK_SYSTEM_PACKAGES': '1', 'PIP_ROOT_USER_ACTION': 'ignore',
    'PIP_NO_COLOR': '1', 'PIP_PROGRESS_BAR': 'off', 'PIP_RETRIES': '2', 'PIP_TIMEOUT': '15',
    'SOURCE_DATE_EPOCH': '315532800',
})
for folder in ('home', 'tmp', 'wheels', 'seen', 'root'):
    os.makedirs(os.path.join(work, folder), exist_ok=True)
if job['index']:
    os.environ['PIP_INDEX_URL'] = job['index']
    os.environ['PIP_EXTRA_INDEX_URL'] = ''
    # The agent's, on this network; it speaks TLS to the index itself.
    os.environ['PIP_TRUSTED_HOST'] = job['index'].split('/')[2]

def write(name, lines):
    path = os.path.join(work, name)
    with open(path, 'w') as file:
        file.write(''.join(line + '\n' for line in lines))
    return path

# The image's Odoo is as whole as it is: Debian's, for one, names packages that it goes without, and some images do not say
# that it is there. Who depends on it is not to fetch any of that, and no other Odoo.
known = os.path.join(work, 'known')
if job.get('odoo'):
    info = os.path.join(known, 'odoo-%s.dist-info' % job['odoo'])
    os.makedirs(info, exist_ok=True)
    with open(os.path.join(info, 'METADATA'), 'w') as file:
        file.write('Metadata-Version: 2.1\nName: odoo\nVersion: %s\n' % job['odoo'])
starter = 'import sys; sys.path.insert(0, %r); from pip._internal.cli.main import main; sys.exit(main())' % known

def pip(*arguments):
    process = subprocess.Popen([sys.executable, '-I', '-c', starter, *arguments], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    said = []
    for line in process.stdout:
        print(line.rstrip('\n')[:2000], file=sys.stderr, flush=True)
        said.append(line[:2000])
    return process.wait(), ''.join(said)[-100000:]

def answer(value):
    text = json.dumps(value)
    for start in range(0, len(text), 8000):
        print(text[start:start + 8000])

built = ['--no-build-isolation', '--check-build-dependencies']

def fitting(constraints, requirements):
    wanted = {}
    for text in requirements:
        requirement = Requirement(text)
        wanted.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    def fits(pin):
        pin = Requirement(pin)
        version = next(iter(pin.specifier)).version
        return all(other.specifier.contains(version, prereleases=True)
                   for other in wanted.get(canonicalize_name(pin.name), []))
    return [pin for pin in constraints if fits(pin)]

def pip_resolve(requirements):
    texts = write('requirements.txt', requirements)
    narrowed = ['-c', write('narrowed.txt', job['narrowed'])] if job['narrowed'] else []
    report = os.path.join(work, 'report.json')
    try:
        pins = fitting(job['pins'], requirements)
    except Exception as error:
        # Whatever pip's parser does not take, pip itself names with its line.
        pins = []
    for constraints in ([pins, []] if pins else [[]]):
        pinned = ['-c', write('pins.txt', constraints)] if constraints else []
        code, said = pip('install', '--dry-run', '--report', report, *built, '-r', texts, *narrowed, *pinned)
        if code == 0:
            break
        if 'ResolutionImpossible' not in said and 'conflicting dependencies' not in said:
            break
    if code != 0:
        return {'fault': said}
    with open(report) as file:
        items = json.load(file)['install']
    return {'packages': [{
        'name': canonicalize_name(item['metadata']['name']),
        'version': item['metadata']['version'],
        'sha256': item['download_info'].get('archive_info', {}).get('hashes', {}).get('sha256', ''),
    } for item in items], 'pinsHeld': bool(constraints) or not pins}

seen = {}

# Fetches what is not known yet, checked by hash, and looks into it. Without a hash there is nothing to go by: refused later.
def look_into(packages):
    new = [one for one in packages if one['sha256'] and (one['name'], one['version']) not in seen]
    if not new:
        return None
    pins = write('wanted.txt', ['%(name)s==%(version)s --hash=sha256:%(sha256)s' % one for one in new])
    code, said = pip('wheel', '--quiet', '--no-deps', '--require-hashes', *built, '-w', work + '/seen', '-r', pins)
    if code != 0:
        return {'fault': said}
    names = {one['name']: (one['name'], one['version']) for one in new}
    for path in glob.glob(work + '/seen/*.whl'):
        name = canonicalize_name(os.path.basename(path).split('-')[0])
        if name in names:
            seen[names[name]] = inspect(path)
        os.remove(path)

def brought_by(packages, name):
    for one in packages:
        if name in seen.get((one['name'], one['version']), {'imports': ()})['imports']:
            return one['name']

# As check_python_external_dependency of odoo/modules/module.py: a distribution of that name in that version, else something
# to import that is called like the whole text.
def lacks(text, packages):
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        return 'invalid'
    if wanted.marker and not wanted.marker.evaluate():
        return None
    name = canonicalize_name(wanted.name)
    version = next((one['version'] for one in packages if one['name'] == name), None) or image_version(wanted.name)
    if version is not None:
        return None if not wanted.specifier or wanted.specifier.contains(version) else version
    if brought_by(packages, text) or image_has(text):
        return None
    return ''

# As pip judges the marker of a line (match_markers). What it cannot read, it names itself.
def in_force(text):
    try:
        marker = Requirement(text).marker
        return not marker or marker.evaluate({'extra': ''})
    except ValueError:
        return False

def resolve():
    if tuple(int(part) for part in pip_version.split('.')[:2] if part.isdigit()) < (22, 2):
        return {'fault': 'ERROR: pip %s is too old' % pip_version}
    asked = list(job['requirements'])
    # A line whose marker does not hold gives no name: nothing is asked for by it.
    trusted = {canonicalize_name(Requirement(text).name) for text in asked if in_force(text)}
    found = {'packages': [], 'pinsHeld': True}
    while True:
        if asked:
            found = pip_resolve(asked)
            fault = found if 'fault' in found else look_into(found['packages'])
            if fault:
                return fault
        packages = found['packages']
        missing = [(entry, why) for entry in job['entries'] for why in [lacks(entry['text'], packages)] if why is not None]
        known = trusted | {one['name'] for one in packages}
        # What the requirements, or packages of theirs, name themselves may be narrowed; the kept names may be asked for.
        more = [entry['text'] if entry['name'] in known else entry['kept'] for entry, why in missing
                if why != 'invalid' and (entry['name'] in known or entry['kept'])]
        more = [text for text in dict.fromkeys(more) if text not in asked]
        if not more:
            break
        asked += more
    for one in packages:
        inside = seen.get((one['name'], one['version']), {'imports': (), 'addons': []})
        one['imports'] = sorted(name for name in inside['imports'] if '.' not in name)
        one['addons'] = inside['addons']
    unmet = [{'text': entry['text'], 'why': why, 'bringer': brought_by(packages, re.split(r'[^\w.]', entry['text'].strip())[0]) or ''}
             for entry, why in missing]
    return {**found, 'unmet': unmet}

def install():
    pins = write('pins.txt', job['requirements'])
    names = write('names.txt', [text.split(' ')[0] for text in job['requirements']])
    code, said = pip('wheel', '--quiet', '--no-deps', '--require-hashes', *built, '-w', work + '/wheels', '-r', pins)
    if code != 0:
        return {'fault': said}
    code, said = pip('install', '--quiet', '--no-index', '--no-deps', '--ignore-installed', '--no-compile',
                     '--no-warn-script-location', '--find-links', work + '/wheels', '--root', work + '/root', '-r', names)
    if code != 0:
        return {'fault': said}
    # By hash and not by time: the files have none that means anything.
    subprocess.run([sys.executable, '-I', '-m', 'compileall', '-q', '-j', '0', '--invalidation-mode', 'unchecked-hash',
                    '-s', work + '/root', work + '/root'], stdout=sys.stderr)
    return {'packages': []}

answer(resolve() if job['action'] == 'resolve' else install())
`
