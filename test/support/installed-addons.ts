/** Content of an addon with one model; `fields` are its columns beside `name`. */
interface Shape {
  readonly model: string
  readonly depends?: string
  readonly manifest?: string
  readonly fields?: readonly string[]
  /** Python above the import of the models. */
  readonly init?: string
}

function addon(name: string, { model, depends = 'base', manifest = '', fields = [], init = '' }: Shape) {
  const table = model.replaceAll('.', '_')
  const columns = fields.map((field) => `    ${field} = fields.Char()\n`).join('')
  return {
    [`${name}/__manifest__.py`]: `{'name': '${name}', 'version': '19.0.1.0.0', 'license': 'LGPL-3', 'depends': ['${depends}'], 'data': ['data.xml', 'ir.model.access.csv'], ${manifest}}\n`,
    [`${name}/__init__.py`]: `from . import models\n${init}`,
    [`${name}/models.py`]: `from odoo import fields, models


class Thing(models.Model):
    _name = '${model}'
    _description = 'Thing'

    name = fields.Char(required=True)
${columns}`,
    [`${name}/ir.model.access.csv`]: `id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\naccess_${table},a,model_${table},base.group_user,1,1,1,1\n`,
    [`${name}/data.xml`]: `<odoo noupdate="1">
  <record id="first_${table}" model="${model}"><field name="name">First</field></record>
</odoo>
`,
  }
}

const config = (modules: readonly string[], renamed: Record<string, string> = {}) => ({
  'fairway.yaml': `production: { modules: [${modules.join(', ')}] }\nrenamed: ${JSON.stringify(renamed)}\n`,
})

const glue = (fields: string[]) =>
  addon('parts_glue', {
    model: 'parts.part',
    depends: 'parts_base',
    manifest: "'auto_install': True",
    fields,
  })
const hand = (fields: string[]) => addon('by_hand', { model: 'hand.note', fields })
const parts = addon('parts_base', { model: 'parts.base' })
const crate = (name: string, more: Partial<Shape> = {}) => addon(name, { model: 'crate.crate', ...more })
const boxes = { ...addon('box_a', { model: 'box.a' }), ...addon('box_b', { model: 'box.b' }) }

/** Two boxes in one module, the data of both named as they were. */
function merged(): Record<string, string> {
  const [a, b] = [addon('box', { model: 'box.a' }), addon('box', { model: 'box.b' })]
  const manifest = (a['box/__manifest__.py'] ?? '').replace("'data.xml', ", "'data.xml', 'more.xml', ")
  return {
    ...a,
    'box/__manifest__.py': manifest,
    'box/models.py': `${a['box/models.py']}\n\n${(b['box/models.py'] ?? '').split('\n').slice(2).join('\n').replace('class Thing', 'class Other')}`,
    'box/more.xml': b['box/data.xml'] ?? '',
    'box/ir.model.access.csv': `${a['box/ir.model.access.csv']}${(b['box/ir.model.access.csv'] ?? '').split('\n')[1]}\n`,
  }
}

/** As a module does it that takes over what another one had. */
const takeOver = (from: string, to: string) => `

def take_over(env):
    env.cr.execute("UPDATE ir_model_data SET module = '${to}' WHERE module = '${from}'")
    env.cr.execute("UPDATE ir_module_module SET state = 'uninstalled' WHERE name = '${from}'")
`

const wanted = ['parts_base', 'crate_old', 'box_a', 'box_b']
const now = ['parts_base', 'crate_new', 'box']

/** The life of a repository whose database does not only have what the repository asks for. */
export const installedAddons = {
  first: { ...config(wanted), ...parts, ...glue([]), ...hand([]), ...crate('crate_old'), ...boxes },
  grown: {
    ...config(wanted),
    ...parts,
    ...glue(['colour']),
    ...hand(['colour']),
    ...crate('crate_old'),
    ...boxes,
  },
  renamed: {
    ...config(now, { crate_old: 'crate_new', box_a: 'box', box_b: 'box' }),
    ...parts,
    ...glue(['colour']),
    ...hand(['colour']),
    ...crate('crate_new', { fields: ['weight'] }),
    ...merged(),
  },
  takenOver: {
    ...config(['parts_base', 'crate_last', 'box']),
    ...parts,
    ...glue(['colour']),
    ...hand(['colour']),
    ...crate('crate_last', {
      fields: ['weight'],
      manifest: "'pre_init_hook': 'take_over'",
      init: takeOver('crate_new', 'crate_last'),
    }),
    ...merged(),
  },
  /** `box` has left, and what is updated does not take it over. */
  removed: {
    ...config(['parts_base', 'crate_last']),
    ...parts,
    ...glue(['colour', 'size']),
    ...hand(['colour']),
    ...crate('crate_last', {
      fields: ['weight'],
      manifest: "'pre_init_hook': 'take_over'",
      init: takeOver('crate_new', 'crate_last'),
    }),
  },
} as const satisfies Record<string, Record<string, string>>
