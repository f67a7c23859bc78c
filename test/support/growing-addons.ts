/** Addons at their first version, and at the next one, which does to the database what updates do. */
export function growingAddons(version: 1 | 2): Record<string, string> {
  const next = version === 2
  const manifest = (data = '') =>
    `{'name': 'x', 'version': '${next ? '1.1' : '1.0'}', 'license': 'LGPL-3', 'depends': ['base'], 'data': [${data}]}\n`
  return {
    'fairway.yaml': 'development:\n  modules: [fw_grow, fw_fails, fw_view]\n',
    'addons/fw_grow/__manifest__.py': manifest("'ir.model.access.csv'"),
    'addons/fw_grow/__init__.py': 'from . import models\n',
    'addons/fw_grow/ir.model.access.csv':
      'id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\na,a,model_fw_grow,base.group_user,1,1,1,1\n',
    'addons/fw_grow/models.py': `from odoo import fields, models


class Grow(models.Model):
    _name = 'fw.grow'
    _description = 'Grow'

    name = fields.Char(${next ? 'required=True' : ''})
    amount = fields.Integer()
${next ? '    rank = fields.Integer(default=7, index=True)\n' : ''}`,
    ...(next && {
      'addons/fw_grow/migrations/19.0.1.1/pre-widen.py': `def migrate(cr, version):
    cr.execute("ALTER TABLE fw_grow ADD COLUMN legacy double precision DEFAULT random()")
    cr.execute("SELECT pg_sleep(2)")
`,
      'addons/fw_grow/migrations/1.1/post-thin.py': `import logging

_logger = logging.getLogger(__name__)


def migrate(cr, version):
    cr.execute("DELETE FROM fw_grow WHERE id % 10 = 0")
    _logger.warning("%s rows of '%s' are gone", cr.rowcount, 'fw_grow')
`,
      'addons/fw_fails/migrations/1.1/post-fail.py': `def migrate(cr, version):
    cr.execute("LOCK TABLE fw_grow IN EXCLUSIVE MODE")
    cr.execute("SELECT pg_sleep(3)")
    raise ValueError('these data are not what they should be')
`,
    }),
    'addons/fw_fails/__manifest__.py': manifest(),
    'addons/fw_fails/__init__.py': '',
    'addons/fw_view/__manifest__.py': manifest("'views.xml'"),
    'addons/fw_view/__init__.py': '',
    'addons/fw_view/views.xml': `<odoo>
  <record id="extra" model="ir.ui.view">
    <field name="name">extra</field>
    <field name="model">res.partner</field>
    <field name="inherit_id" ref="base.view_partner_form"/>
    <field name="active" eval="${next ? 'False' : 'True'}"/>
    <field name="arch" type="xml"><xpath expr="//form" position="inside"><p/></xpath></field>
  </record>
</odoo>
`,
  }
}
