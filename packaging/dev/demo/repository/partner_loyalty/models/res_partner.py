from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResPartner(models.Model):
    _inherit = "res.partner"

    loyalty_points = fields.Integer(default=0)
    loyalty_tier = fields.Selection(
        [("bronze", "Bronze"), ("silver", "Silver"), ("gold", "Gold")],
        compute="_compute_loyalty_tier",
        store=True,
    )

    @api.depends("loyalty_points")
    def _compute_loyalty_tier(self):
        for partner in self:
            if partner.loyalty_points >= 1000:
                partner.loyalty_tier = "gold"
            elif partner.loyalty_points >= 200:
                partner.loyalty_tier = "silver"
            else:
                partner.loyalty_tier = "bronze"

    @api.constrains("loyalty_points")
    def _check_loyalty_points(self):
        for partner in self:
            if partner.loyalty_points < 0:
                raise ValidationError("Loyalty points can't be negative.")

    def action_earn_points(self, amount):
        """One point for each full unit of currency spent."""
        for partner in self:
            partner.loyalty_points += int(amount)
