/**
 * The part of the inspection that has Odoo make bundles of style sheets and scripts as the first visitor would; they stay in
 * the database for the visitors to come. Bundles of tests are nobody's, and so are those that begin with `_`: others include
 * them (web/__manifest__.py says so).
 */
export const bundlesScript = String.raw`
def assets_of(addon):
    from odoo.modules import module
    if hasattr(module, 'Manifest'):
        manifest = module.Manifest.for_addon(addon, display_warning=False)
    else:
        read = getattr(module, 'get_manifest', None) or module.load_information_from_description_file
        manifest = read(addon)
    assets = (manifest or {}).get('assets')
    return assets if isinstance(assets, dict) else {}

def includers_of_bundles():
    # Bundle: those that include it, by manifests and by records.
    includers = {}
    for addon in sorted(env.registry._init_modules):
        for name, commands in assets_of(addon).items():
            for command in commands:
                if isinstance(command, (list, tuple)) and command[0] == 'include':
                    includers.setdefault(command[1], set()).add(name)
    for asset in env['ir.asset'].search([('directive', '=', 'include')]):
        includers.setdefault(asset.path, set()).add(asset.bundle)
    return includers

def is_aside(name):
    # Of tests, of developers, and of the dark colours that Odoo Community shows nobody.
    return re.search(r'[._](tests?|tours?|qunit|debug|dark)(_|$)', name) is not None

def is_known(name):
    # By the module that it is named after. Others are of modules or series that are not here: what manifests add to them is
    # a fragment that nobody loads.
    module = name.partition('.')[0]
    return module in env.registry._init_modules and name in assets_of(module)

def is_page(name):
    # Odoo makes no bundle by another name ('_parse_bundle_name' of ir.asset).
    return is_known(name) and re.fullmatch(r'\w+\.[^_.][^.]*', name) is not None

def within(name, includers):
    # The bundle, and all that include it at last.
    found, left = set(), [name]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left.extend(other for other in includers.get(one, ()) if not is_aside(other))
    return found

def own_bundles(declared, made):
    # What own addons add to, where none of what is made anyway has it inside: by itself, or as what includes it. A part that
    # others include may not compile alone.
    includers = includers_of_bundles()
    found = set()
    for name in sorted(declared):
        if is_aside(name) or not is_known(name):
            continue
        around = within(name, includers)
        if not around & made:
            found |= {one for one in around if is_page(one) and within(one, includers) == {one}}
    return sorted(found)

def bundle_by_name(name, rtl, kind):
    # 17 and later: a page links bundles that are made when they are asked for.
    bundle = env['ir.qweb']._get_asset_bundle(name, css=kind == 'css', js=kind == 'js', rtl=rtl)
    if kind == 'css':
        return [one.url for one in bundle.css()] if bundle.stylesheets else []
    return [one.url for one in bundle.js()] if bundle.javascripts or bundle.templates else []

def bundle_by_nodes(name, code, kind):
    # Before 17 a page makes them when it is rendered, and shows a script instead of what failed.
    qweb = env['ir.qweb'].with_context(lang=code)
    wanted = {'css': kind == 'css', 'js': kind == 'js'}
    if 'options' in inspect.signature(qweb._get_asset_nodes).parameters:
        nodes = qweb._get_asset_nodes(name, {'lang': code}, **wanted)
    else:
        nodes = qweb._get_asset_nodes(name, **wanted)
    urls = []
    for node in nodes:
        attributes, text = node[1] or {}, (node[2] if len(node) > 2 else '') or ''
        if '__assetsBundleErrorSeen' in text:
            raise RuntimeError(text[text.rfind('})(') + 3:][:1500])
        # Files of other servers stand beside it.
        found = [str(attributes[key]) for key in ('href', 'src') if attributes.get(key)]
        urls.extend(url for url in found if re.match('/[^/]', url))
    return urls

def own_addons():
    return [addon for addon in settings['addons'] if addon in env.registry._init_modules]

def declared_bundles(own):
    # By manifests, and by data of theirs.
    names = {name for addon in own for name in assets_of(addon)}
    if own and 'ir.asset' in env:
        for asset in env['ir.asset'].search([]):
            if (asset.path or '').lstrip('/').partition('/')[0] in own:
                names.add(asset.bundle)
    return names

def declarer_of(said):
    # Odoo says which path of which bundle, and not who has asked for it.
    for addon in own_addons():
        for commands in assets_of(addon).values():
            for command in commands:
                for path in command[1:] if isinstance(command, (list, tuple)) else [command]:
                    if '/' in path and path in said:
                        return addon
    return ''

def make_bundle(name, code, rtl, kind):
    try:
        urls = bundle_by_name(name, rtl, kind) if settings['byName'] else bundle_by_nodes(name, code, kind)
        env.cr.commit()
        say('bundle', name=name, rtl=rtl, urls=urls)
    except Exception as error:
        env.cr.rollback()
        said = '%s: %s' % (type(error).__name__, error)
        say('bundle', name=name, rtl=rtl, urls=[], error=said, module=declarer_of(said))

def bundles_to_make(rtl):
    # Name: kinds of files. Other than the web client's only where the project has any say in them.
    wanted = {name: ['css', 'js'] for name in settings['backend']}
    if rtl:
        wanted.update({name: ['css'] for name in settings['frontend']})
    declared = declared_bundles(own_addons())
    if declared and 'ir.asset' in env:
        wanted.update({name: ['css'] for name in settings['prints']})
        if 'point_of_sale' in env.registry._init_modules:
            wanted.update({name: ['css', 'js'] for name in settings['pointOfSale']})
        made = set(wanted) | set(settings['frontend'])
        wanted.update({name: ['css', 'js'] for name in own_bundles(declared, made)})
    return wanted

def make_bundles():
    if 'web' not in env.registry._init_modules:
        return
    languages = [(lang.code, lang.direction == 'rtl') for lang in env['res.lang'].search([])]
    say('languages', codes=[code for code, rtl in languages])
    first = {rtl: code for code, rtl in reversed(languages)}
    for rtl, code in sorted(first.items()):
        for name in bundles_to_make(rtl):
            make_bundle(name, code, rtl, 'css')
    code = first.get(False) or first[True]
    for name, kinds in bundles_to_make(False).items():
        if 'js' in kinds:
            make_bundle(name, code, False, 'js')
`
