from odoo import api, fields, models

DISCOUNT_BY_TIER = {"bronze": 0.0, "silver": 5.0, "gold": 10.0}


class ResPartner(models.Model):
    _inherit = "res.partner"

    loyalty_discount = fields.Float(compute="_compute_loyalty_discount", string="Loyalty discount (%)")

    @api.depends("loyalty_tier")
    def _compute_loyalty_discount(self):
        for partner in self:
            partner.loyalty_discount = DISCOUNT_BY_TIER[partner.loyalty_tier or "bronze"]
