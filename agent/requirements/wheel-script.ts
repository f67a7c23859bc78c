/**
 * Part of `pipScript`: what a wheel brings, by the files that it holds, and what the image's Python finds. Nothing of a wheel
 * is run, and nothing is imported.
 */
export const wheelScript = String.raw`
import base64, hashlib, importlib.machinery, importlib.metadata, importlib.util, zipfile

def module_of(file):
    if file.endswith('.py'):
        return file[:-3]
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        if file.endswith(suffix):
            return file[:-len(suffix)]
    return None

def inspect(path):
    imports, addons = set(), {}
    with zipfile.ZipFile(path) as wheel:
        for info in wheel.infolist():
            parts = info.filename.split('/')
            if parts[0].endswith('.data') and len(parts) > 2 and parts[1] in ('purelib', 'platlib'):
                parts = parts[2:]
            if parts[-1] == '' or '..' in parts or parts[0].endswith(('.dist-info', '.data')):
                continue
            module = module_of(parts[-1])
            names = parts[:-1] + ([module] if module != '__init__' else [])
            if module is not None and all(name.isidentifier() for name in names):
                imports.update('.'.join(names[:length + 1]) for length in range(len(names)))
            # The namespace of Odoo's addons: odoo/addons has no file of its own in a wheel.
            if parts[:2] == ['odoo', 'addons'] and len(parts) > 3:
                addons.setdefault(parts[2], {})['/'.join(parts[3:])] = info
        found = [addon(wheel, name, files) for name, files in sorted(addons.items()) if '__manifest__.py' in files]
    return {'imports': imports, 'addons': found}

def addon(wheel, name, files):
    global room
    size = files['__manifest__.py'].file_size
    manifest = b''
    if size <= min(job['maxManifestBytes'], room):
        with wheel.open(files['__manifest__.py']) as file:
            manifest = file.read()
        room -= size
    return {'module': name, 'treeId': tree_of(wheel, files), 'neutralize': 'data/neutralize.sql' in files,
            'manifest': base64.b64encode(manifest).decode(), 'manifestBytes': size}

def blob_of(wheel, info):
    digest = hashlib.sha1(b'blob %d\0' % info.file_size)
    with wheel.open(info) as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.digest()

# As git would name the same folder: the same content in a repository and in a wheel is the same.
def tree_of(wheel, files):
    entries = {}
    for path, info in files.items():
        top, _, rest = path.partition('/')
        if rest:
            entries.setdefault(top, {})[rest] = info
        else:
            mode = b'100755' if (info.external_attr >> 16) & 0o100 else b'100644'
            entries[top] = (mode, blob_of(wheel, info))
    lines = []
    for name, entry in entries.items():
        folder = isinstance(entry, dict)
        mode, found = (b'40000', bytes.fromhex(tree_of(wheel, entry))) if folder else entry
        lines.append((name.encode() + (b'/' if folder else b''), mode + b' ' + name.encode() + b'\0' + found))
    content = b''.join(line for _, line in sorted(lines))
    return hashlib.sha1(b'tree %d\0' % len(content) + content).hexdigest()

def image_has(name):
    parts, path = name.split('.'), None
    for count in range(1, len(parts) + 1):
        try:
            if count == 1:
                spec = importlib.util.find_spec(parts[0])
            else:
                spec = importlib.machinery.PathFinder.find_spec('.'.join(parts[:count]), path)
        except (ImportError, ValueError, AttributeError):
            return False
        if spec is None:
            return False
        path = spec.submodule_search_locations
        if path is None and count < len(parts):
            return False
    return True

def image_version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
`
