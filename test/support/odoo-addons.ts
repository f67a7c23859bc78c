const manifest = (extra = '') =>
  `{'name': 'x', 'version': '1.0', 'license': 'LGPL-3', 'depends': ['web'], ${extra}}\n`

/** Files of small addons, one for each way in which an update can go. */
export const addonFiles: Record<string, string> = {
  'fairway.yaml': 'development:\n  modules: [fw_good]\n',
  'addons/fw_good/__manifest__.py': manifest("'data': ['views/views.xml', 'security/ir.model.access.csv']"),
  'addons/fw_good/__init__.py': 'from . import models\n',
  'addons/fw_good/models.py': `from odoo import fields, models


class Good(models.Model):
    _name = 'fw.good'
    _description = 'Good'

    name = fields.Char()
    partner_ids = fields.Many2many('res.partner')
    carrier_api_key = fields.Char()


class Odd(models.Model):
    _name = 'fw.odd'
    _description = 'Odd'
    _auto = False
    _table_query = "SELECT id, id %% 2 AS odd FROM fw_good"

    odd = fields.Integer()
`,
  'addons/fw_good/security/ir.model.access.csv':
    'id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\na,a,model_fw_good,base.group_user,1,1,1,1\nb,b,model_fw_odd,base.group_user,1,0,0,0\n',
  'addons/fw_good/views/views.xml': `<odoo>
  <record id="key" model="fw.good"><field name="name">x</field><field name="carrier_api_key">k-123</field></record>
</odoo>
`,
  'addons/fw_good/tests/__init__.py': 'from . import test_good\n',
  'addons/fw_good/tests/test_good.py': `from odoo.tests import TransactionCase


class TestGood(TransactionCase):
    def test_create(self):
        self.assertEqual(self.env['fw.good'].create({'name': 'y'}).name, 'y')
`,
  'addons/fw_failing/__manifest__.py': manifest(),
  'addons/fw_failing/__init__.py': '',
  'addons/fw_failing/tests/__init__.py': 'from . import test_price\n',
  'addons/fw_failing/tests/test_price.py': `from odoo.tests import TransactionCase


class TestPrice(TransactionCase):
    def test_total(self):
        self.assertEqual(1, 2, 'the total is wrong')

    def test_fine(self):
        pass
`,
  'addons/fw_broken/__manifest__.py': manifest("'data': ['views/broken.xml']"),
  'addons/fw_broken/__init__.py': '',
  'addons/fw_broken/views/broken.xml': `<odoo>
  <record id="v" model="ir.ui.view">
    <field name="model">res.partner</field>
    <field name="arch" type="xml"><form><field name="no_such_field"/></form></field>
  </record>
</odoo>
`,
  'addons/fw_skin/__manifest__.py': manifest(
    "'assets': {'web.assets_frontend': ['fw_skin/static/src/skin.scss'], 'web.assets_backend': ['fw_skin/static/src/skin.scss', 'fw_skin/static/src/absent.js', 'fw_skin/static/src/broken.js', 'fw_skin/static/src/broken.xml']}",
  ),
  'addons/fw_skin/__init__.py': '',
  // Each bundle is loaded by nobody who signs in; the last two by nobody at all.
  'addons/fw_print/__manifest__.py': manifest(
    "'assets': {'web.report_assets_common': ['fw_print/static/src/report.scss'], 'fw_print.lazy': ['fw_print/static/src/lazy.scss'], 'fw_print.whole': [('include', 'fw_print._part')], 'fw_print._part': ['fw_print/static/src/part.scss'], 'fw_print.piece': ['fw_print/static/src/piece.scss'], 'web.assets_backend': [('include', 'fw_print.piece')], 'web.assets_unit_tests': ['fw_print/static/tests/a.test.scss'], 'web.assets_common': ['fw_print/static/src/former.scss'], 'shop_nowhere.assets': ['fw_print/static/src/former.scss']}, 'data': ['assets.xml']",
  ),
  'addons/fw_print/__init__.py': '',
  // As a module does it that names no bundle in its manifest.
  'addons/fw_print/assets.xml':
    '<odoo><record id="pdf" model="ir.asset"><field name="name">PDF</field><field name="bundle">web.report_assets_pdf</field><field name="path">fw_print/static/src/pdf.scss</field></record></odoo>\n',
  'addons/fw_print/static/src/pdf.scss': '.o_pdf { color: $no-pdf; }\n',
  'addons/fw_print/static/src/report.scss': '.o_report {\n  color: $no-report;\n}\n',
  'addons/fw_print/static/src/lazy.scss': '.o_lazy { color: $no-lazy; }\n',
  'addons/fw_print/static/src/part.scss': '.o_part { color: $no-part; }\n',
  // Of the web client, where it is included.
  'addons/fw_print/static/src/piece.scss': '.o_piece { color: $o-brand-primary; }\n',
  // For a series, and a module, that are not here.
  'addons/fw_print/static/src/former.scss': '.o_former { color: $nobody-defines-it-here; }\n',
  'addons/fw_print/static/tests/a.test.scss': '.o_test { color: $nobody-defines-it-in-tests; }\n',
  'addons/fw_skin/static/src/skin.scss': '.o_skin { color: $a-colour-that-nobody-defines; }\n',
  'addons/fw_skin/static/src/broken.js': 'const half = {\n',
  'addons/fw_skin/static/src/broken.xml': '<templates><t t-name="fw_skin.a"><div></t></templates>\n',
}
