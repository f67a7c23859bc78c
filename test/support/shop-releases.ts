import type { Clone } from '../../packaging/dev/demo/shop-repository.ts'

// What the shop's developers do to `partner_loyalty` between releases.

const module = 'partner_loyalty'
const model = `${module}/models/res_partner.py`
const manifest = `${module}/__manifest__.py`

/** A script that Odoo runs when the module goes to that version. */
async function addMigration(clone: Clone, branch: string, version: string, body: string): Promise<void> {
  const script = `import os\n\n\ndef migrate(cr, version):\n${body.replace(/^/gm, '    ')}\n`
  await clone.change(
    branch,
    `${module}/migrations/${version}/post-fill.py`,
    () => script,
    `Migrate to ${version}`,
  )
  await clone.change(
    branch,
    manifest,
    (text) => text.replace(/"version": "[^"]*"/, `"version": "${version}"`),
    `Version ${version}`,
  )
}

/** A new column, and a script that fills it and takes its time, as it would on more data. */
export async function addLevel(clone: Clone, branch: string, version: string): Promise<void> {
  await clone.change(
    branch,
    model,
    (text) =>
      text.replace(
        '    loyalty_points = fields.Integer(default=0)\n',
        '    loyalty_points = fields.Integer(default=0)\n    loyalty_level = fields.Integer(default=1)\n',
      ),
    'Add a level',
  )
  await addMigration(
    clone,
    branch,
    version,
    "cr.execute('update res_partner set loyalty_level = 7')\ncr.execute('select pg_sleep(1)')",
  )
}

/** A script that fails after half of its work, where a customer is called Trap or the environment says so. */
export const addFailure = (clone: Clone, branch: string, version: string) =>
  addMigration(
    clone,
    branch,
    version,
    [
      "cr.execute(\"update res_partner set name = 'half done' where name like 'Customer%'\")",
      'cr.execute("select 1 from res_partner where name = \'Trap\'")',
      "if cr.fetchone() or os.environ.get('SHOP_FAILS'):",
      "    raise RuntimeError('the second half fails')",
      "cr.execute(\"update res_partner set name = 'Customer' where name = 'half done'\")",
    ].join('\n'),
  )

export const changeView = (clone: Clone, branch: string, label: string) =>
  clone.change(
    branch,
    `${module}/views/res_partner_views.xml`,
    (text) =>
      text.replace(
        /<field name="loyalty_points"[^>]*\/>/,
        `<field name="loyalty_points" string="${label}"/>`,
      ),
    `Call the points ${label}`,
  )
