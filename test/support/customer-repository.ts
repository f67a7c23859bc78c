import type { Stack } from '../../packaging/dev/demo/stack.ts'
import type { PythonIndex } from './python-index.ts'
import { addon, type Files, model, type Publish, type Submodule } from './real-repositories.ts'

// A customer's repository with all that a developer may have in one: half of it migrated, modules of others by three ways,
// Python packages by three ways, a module to be renamed, and one that people uninstalled.

/** How a branch differs from main. */
export interface Variant {
  /** The module crate_old goes by the name of crate_new, and takes over its data by a hook. */
  readonly renamed?: boolean
  /** Without the module that was uninstalled in Apps. */
  readonly removed?: boolean
  /** Its neutralize.sql names a column that is no more. */
  readonly outdated?: boolean
  /** A style sheet that does not compile. */
  readonly unstyled?: boolean
}

const crateHook = `from . import models


def take_over(env):
    env.cr.execute("UPDATE ir_model_data SET module = 'crate_new' WHERE module = 'crate_old'")
    env.cr.execute("UPDATE ir_module_module SET state = 'uninstalled' WHERE name = 'crate_old'")
`
const access = "'data': ['ir.model.access.csv']"
const crate = ({ renamed }: Variant): Files =>
  renamed
    ? addon(
        'crate_new',
        { version: '19.0.2.0.0', more: `${access}, 'pre_init_hook': 'take_over'` },
        { ...model('crate.crate', ['name']), '__init__.py': crateHook },
      )
    : addon('crate_old', { more: access }, model('crate.crate', ['name']))

const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')

export const config = (index: PythonIndex) => `odoo: "19.0"
branches:
  main: production
  release/*: staging
  feature/*: development
python: { index: ${index.url} }
production: { workers: 0 }
staging: { workers: 0, tests: false }
`

/** What the branch has in its own repository. */
export function customerFiles(stack: Stack, index: PythonIndex, variant: Variant = {}): Files {
  const neutralize = `UPDATE bridge_account SET ${variant.outdated ? 'secret' : 'token'} = 'dummy';\n`
  return {
    'fairway.yaml': config(index),
    'oca_dependencies.txt': `parts http://127.0.0.1:${stack.options.ports.git}/demo/parts.git\n`,
    // As `pip freeze > requirements.txt` of PowerShell writes it.
    'requirements.txt': utf16('python-acmeslug==2.0\r\n'),
    ...addon(
      'bridge',
      { more: access },
      { ...model('bridge.account', ['token']), 'data/neutralize.sql': neutralize },
    ),
    ...crate(variant),
    ...(variant.removed ? {} : addon('leaflet')),
    ...addon('desk_more', { depends: 'desk_notes' }),
    ...addon('label_shop', { depends: 'label_print' }),
    ...addon(
      'page_links',
      { more: "'external_dependencies': {'python': ['acmeslug']}" },
      { '__init__.py': "import acmeslug\nassert acmeslug.RIGHT, 'another distribution of that name'\n" },
    ),
    ...addon('shop_parts', { depends: 'parts_base' }),
    ...addon('yard_gate', { version: '18.0.2.1.0' }),
    'scaffold/{{ module_name }}/__init__.py': '',
    'scaffold/{{ module_name }}/__manifest__.py':
      '{"name": "{{ title }}", {% if x %}"depends": []{% endif %}}\n',
    '.gitattributes': '*.png filter=lfs diff=lfs merge=lfs -text\n',
    'desk_more/static/description/icon.png': `version https://git-lfs.github.com/spec/v1\noid sha256:${'7'.padStart(64, '0')}\nsize 12345\n`,
    ...(variant.unstyled && {
      ...addon(
        'skin',
        { depends: 'web', more: "'assets': {'web.assets_frontend': ['skin/static/src/skin.scss']}" },
        { 'static/src/skin.scss': '.o_skin { color: $nobody-defines-it; }\n' },
      ),
    }),
  }
}

/** The repository of others, whose glue module installs itself and needs a package of the project’s; with these columns. */
export const publishParts = (publish: Publish, columns: readonly string[]) =>
  publish('parts', '19.0', {
    ...addon('parts_base'),
    ...addon(
      'parts_glue',
      {
        version: `19.0.1.${columns.length}.0`,
        depends: 'parts_base',
        more: `'auto_install': True, 'external_dependencies': {'python': ['acme-label']}, ${access}`,
      },
      model('parts.part', columns),
    ),
  })

/** Two submodules by relative addresses: one whose root is the addon itself, one with a requirements.txt of its own. */
export async function publishSubmodules(publish: Publish): Promise<Submodule[]> {
  const desk = await publish('desk_notes', 'main', addon(''))
  const label = await publish('label', 'main', {
    ...addon('label_print', {}, { '__init__.py': 'import acmelabel\n' }),
    'requirements.txt': 'acme-label==1.0\n',
  })
  return [
    { path: 'vendor/desk_notes', url: '../desk_notes.git', commit: desk },
    { path: 'vendor/label', url: '../label.git', commit: label },
  ]
}
