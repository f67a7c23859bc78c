/** A module that Odoo can't install or update, and the reason that a person should read. */
export interface BrokenModule {
  /** Files by their path in the module. */
  readonly files: Readonly<Record<string, string>>
  /** What is installed first, where the update is what fails. */
  readonly before?: Readonly<Record<string, string>>
  readonly reason: string
  /** The whole line. */
  readonly line: string
}

const manifest = (keys = '') =>
  `{'name': 'x', 'version': '19.0.1.0.0', 'license': 'LGPL-3', 'depends': ['base'], ${keys}}\n`
const data = "'data': ['data.xml']"
const record = (model: string, ...fields: string[]) =>
  `<odoo>\n  <record id="r" model="${model}">\n    ${fields.join('\n    ')}\n  </record>\n</odoo>\n`
const view = (arch: string, model = 'res.partner', more = '') =>
  record(
    'ir.ui.view',
    '<field name="name">v</field>',
    `<field name="model">${model}</field>${more}`,
    `<field name="arch" type="xml">${arch}</field>`,
  )
const xml = (text: string, keys = data) => ({
  '__manifest__.py': manifest(keys),
  '__init__.py': '',
  'data.xml': text,
})
const python = (text: string, keys = '') => ({
  '__manifest__.py': manifest(keys),
  '__init__.py': 'from . import models\n',
  'models.py': text,
})
const model = (body: string) =>
  `from odoo import api, fields, models\nfrom odoo.exceptions import UserError, ValidationError\n\n\n${body}`
const extended = (body: string) =>
  model(`class Partner(models.Model):\n    _inherit = 'res.partner'\n\n${body.replace(/^(?=.)/gm, '    ')}`)
const both = (code: string, text: string) => ({ ...python(code, data), 'data.xml': text })

/** By the name of the module; each is another way in which an update goes wrong. */
export const brokenModules: Readonly<Record<string, BrokenModule>> = {
  bk_syntax: {
    files: python('def f(:\n    pass\n'),
    reason: 'update-failed',
    line: 'module bk_syntax: SyntaxError: invalid syntax (bk_syntax/models.py:1)',
  },
  bk_indent: {
    files: python('def f():\npass\n'),
    reason: 'update-failed',
    line: 'module bk_indent: IndentationError: expected an indented block after function definition on line 1 (bk_indent/models.py:2)',
  },
  bk_import: {
    files: python('import no_such_library\n'),
    reason: 'update-failed',
    line: "module bk_import: ModuleNotFoundError: No module named 'no_such_library' (bk_import/models.py:1)",
  },
  bk_cyclic: {
    files: {
      '__manifest__.py': manifest(),
      '__init__.py': 'from . import a\n',
      'a.py': 'from .b import y\nx = 1\n',
      'b.py': 'from .a import x\ny = 2\n',
    },
    reason: 'update-failed',
    line: "module bk_cyclic: ImportError: cannot import name 'x' from partially initialized module 'odoo.addons.bk_cyclic.a' (most likely due to a circular import) (bk_cyclic/a.py) (bk_cyclic/b.py:1)",
  },
  bk_api: {
    files: python(extended('@api.multi\ndef f(self):\n    pass\n')),
    reason: 'update-failed',
    line: "module bk_api: AttributeError: module 'odoo.api' has no attribute 'multi' (bk_api/models.py:8)",
  },
  bk_inherit: {
    files: python(model("class X(models.Model):\n    _inherit = 'no.such.model'\n")),
    reason: 'update-failed',
    line: "module bk_inherit: TypeError: Model 'no.such.model' does not exist in registry.",
  },
  bk_related: {
    files: python(extended("x = fields.Char(related='no_such.name')\n")),
    reason: 'update-failed',
    line: "module bk_related: KeyError: 'Field no_such referenced in related field definition res.partner.x does not exist.'",
  },
  bk_depends: {
    files: python(
      extended(
        "x = fields.Char(compute='_f', store=True)\n\n@api.depends('no_such')\ndef _f(self):\n    self.x = 1\n",
      ),
    ),
    reason: 'update-failed',
    line: "module bk_depends: ValueError: Wrong @depends on '_f' (compute method of field res.partner.x). Dependency field 'no_such' not found in model res.partner.",
  },
  bk_comodel: {
    files: both(extended("x = fields.Many2one('no.such')\n"), '<odoo/>'),
    reason: 'update-failed',
    line: "module bk_comodel: AssertionError: Field res.partner.x with unknown comodel_name 'no.such'",
  },
  bk_init: {
    files: python(extended("def init(self):\n    self.env.cr.execute('SELECT no_such FROM res_partner')\n")),
    reason: 'update-failed',
    line: 'module bk_init: UndefinedColumn: column "no_such" does not exist (bk_init/models.py:9)',
  },
  bk_sql_view: {
    files: python(
      model(
        "class X(models.Model):\n    _name = 'bk.view'\n    _description = 'x'\n    _auto = False\n\n    def init(self):\n        self.env.cr.execute('CREATE VIEW bk_view AS SELECT id FROM no_such_table')\n",
      ),
    ),
    reason: 'update-failed',
    line: 'module bk_sql_view: UndefinedTable: relation "no_such_table" does not exist (bk_sql_view/models.py:11)',
  },
  bk_depend: {
    files: {
      '__manifest__.py': "{'name': 'x', 'license': 'LGPL-3', 'depends': ['no_such_module']}\n",
      '__init__.py': '',
    },
    reason: 'dependency-missing',
    line: 'bk_depend depends on no_such_module, which is not available',
  },
  bk_external: {
    files: {
      '__manifest__.py': manifest("'external_dependencies': {'python': ['no_such_library']}"),
      '__init__.py': '',
    },
    reason: 'update-failed',
    line: 'module bk_external: UserError: Unable to install module "bk_external" because an external dependency is not met: no_such_library',
  },
  bk_file: {
    files: { '__manifest__.py': manifest(data), '__init__.py': '' },
    reason: 'data-invalid',
    line: "module bk_file: FileNotFoundError: [Errno 2] No such file or directory: 'bk_file/data.xml' (bk_file/data.xml)",
  },
  bk_xml: {
    files: xml('<odoo>\n  <record id="a" model="res.partner">\n</odoo>\n'),
    reason: 'data-invalid',
    line: 'module bk_xml: XMLSyntaxError: Opening and ending tag mismatch: record line 2 and odoo, line 3, column 8 (bk_xml/data.xml:3)',
  },
  bk_schema: {
    files: xml('<odoo>\n  <recrod id="a"/>\n</odoo>\n'),
    reason: 'data-invalid',
    line: 'module bk_schema: AssertionError: Element odoo has extra content: recrod, line 2 (bk_schema/data.xml)',
  },
  bk_field: {
    files: xml(view('<form><field name="no_such_field"/></form>')),
    reason: 'data-invalid',
    line: 'module bk_field: Field "no_such_field" does not exist in model "res.partner" (bk_field/data.xml:2)',
  },
  bk_xpath: {
    files: xml(
      view(
        '<xpath expr="//field[@name=\'no_such\']" position="after"><field name="name"/></xpath>',
        'res.partner',
        '<field name="inherit_id" ref="base.view_partner_form"/>',
      ),
    ),
    reason: 'data-invalid',
    line: "module bk_xpath: Element '<xpath expr=\"//field[@name='no_such']\">' cannot be located in parent view (bk_xpath/data.xml:2)",
  },
  bk_attrs: {
    files: xml(view("<form><field name=\"name\" attrs=\"{'invisible': [('id', '=', 1)]}\"/></form>")),
    reason: 'data-invalid',
    line: 'module bk_attrs: Since 17.0, the "attrs" and "states" attributes are no longer used. View: v in bk_attrs/data.xml (bk_attrs/data.xml:2)',
  },
  bk_button: {
    files: xml(view('<form><button name="no_such_method" type="object"/></form>')),
    reason: 'data-invalid',
    line: 'module bk_button: no_such_method is not a valid action on res.partner (bk_button/data.xml:2)',
  },
  bk_inherit_id: {
    files: xml(view('<data/>', 'res.partner', '<field name="inherit_id" ref="base.no_such_view"/>')),
    reason: 'data-invalid',
    line: 'module bk_inherit_id: ValueError: External ID not found in the system: base.no_such_view (bk_inherit_id/data.xml:2)',
  },
  bk_model: {
    files: xml(record('no.such.model', '<field name="name">x</field>')),
    reason: 'data-invalid',
    line: "module bk_model: KeyError: 'no.such.model' (bk_model/data.xml:2)",
  },
  bk_column: {
    files: xml(record('res.partner', '<field name="no_such_field">x</field>')),
    reason: 'data-invalid',
    line: "module bk_column: ValueError: Invalid field 'no_such_field' in 'res.partner' (bk_column/data.xml:2)",
  },
  bk_eval: {
    files: xml(record('res.partner', '<field name="name" eval="no_such_name + 1"/>')),
    reason: 'data-invalid',
    line: "module bk_eval: ValueError: NameError(\"name 'no_such_name' is not defined\") while evaluating 'no_such_name + 1' (bk_eval/data.xml:2)",
  },
  bk_function: {
    files: both(
      extended("def f(self):\n    raise UserError('Configure it first')\n"),
      '<odoo>\n  <function model="res.partner" name="f"><value eval="[]"/></function>\n</odoo>\n',
    ),
    reason: 'data-invalid',
    line: 'module bk_function: UserError: Configure it first (bk_function/models.py:9, at bk_function/data.xml:2)',
  },
  bk_constrains: {
    files: both(
      extended("@api.constrains('name')\ndef f(self):\n    raise ValidationError('Names are short')\n"),
      record('res.partner', '<field name="name">long</field>'),
    ),
    reason: 'data-invalid',
    line: 'module bk_constrains: Names are short (bk_constrains/data.xml:2)',
  },
  bk_unique: {
    files: xml(
      record(
        'res.lang',
        '<field name="name">x</field>',
        '<field name="code">en_US</field>',
        '<field name="url_code">x</field>',
      ),
    ),
    reason: 'data-invalid',
    line: 'module bk_unique: UniqueViolation: duplicate key value violates unique constraint "res_lang_code_uniq" (Key (code)=(en_US) already exists.) (bk_unique/data.xml:2)',
  },
  bk_null: {
    files: xml(record('ir.sequence', '<field name="code">x</field>')),
    reason: 'data-invalid',
    line: 'module bk_null: NotNullViolation: null value in column "name" of relation "ir_sequence" violates not-null constraint (bk_null/data.xml:2)',
  },
  bk_search: {
    files: both(
      extended(
        "x = fields.Char()\n\ndef _search(self, args):\n    return super()._search(args)\n\ndef f(self):\n    self.search([('id', '=', 1)])\n",
      ),
      '<odoo>\n  <function model="res.partner" name="f"><value eval="[]"/></function>\n</odoo>\n',
    ),
    reason: 'data-invalid',
    line: "module bk_search: TypeError: Partner._search() got an unexpected keyword argument 'offset' (bk_search/models.py:14, at bk_search/data.xml:2)",
  },
  bk_access: {
    files: {
      '__manifest__.py': manifest("'data': ['ir.model.access.csv']"),
      '__init__.py': '',
      'ir.model.access.csv':
        'id,name,model_id:id,group_id:id,perm_read\na,a,base.model_res_partner,base.no_such_group,1\n',
    },
    reason: 'data-invalid',
    line: "module bk_access: Exception: Module loading bk_access failed: file bk_access/ir.model.access.csv could not be processed: No matching record found for external id 'base.no_such_group' in field 'Group' (bk_access/ir.model.access.csv)",
  },
  bk_hook: {
    files: {
      '__manifest__.py': manifest("'post_init_hook': 'after'"),
      '__init__.py': "def after(env):\n    raise ValueError('no chart of accounts')\n",
    },
    reason: 'update-failed',
    line: 'module bk_hook: ValueError: no chart of accounts (bk_hook/__init__.py:2)',
  },
  bk_no_hook: {
    files: { '__manifest__.py': manifest("'post_init_hook': 'after'"), '__init__.py': '' },
    reason: 'update-failed',
    line: "module bk_no_hook: AttributeError: module 'odoo.addons.bk_no_hook' has no attribute 'after'",
  },
  bk_migration: {
    before: { '__manifest__.py': manifest(), '__init__.py': '' },
    files: {
      '__manifest__.py': manifest().replace('1.0.0', '1.1.0'),
      '__init__.py': '',
      'migrations/19.0.1.1.0/pre-fill.py':
        "def migrate(cr, version):\n    cr.execute('UPDATE no_such_table SET a = 1')\n",
    },
    reason: 'update-failed',
    line: 'module bk_migration: UndefinedTable: relation "no_such_table" does not exist (bk_migration/migrations/19.0.1.1.0/pre-fill.py:2)',
  },
  bk_domain: {
    files: xml(
      record(
        'ir.rule',
        '<field name="name">x</field>',
        '<field name="model_id" ref="base.model_res_partner"/>',
        "<field name=\"domain_force\">[('no_such', '=', 1)]</field>",
      ),
    ),
    reason: 'data-invalid',
    line: "module bk_domain: Invalid domain: Invalid field res.partner.no_such in condition ('no_such', '=', 1) (bk_domain/data.xml:2)",
  },
}
