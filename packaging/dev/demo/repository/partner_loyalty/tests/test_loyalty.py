from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestLoyalty(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})

    def test_new_partner_is_bronze(self):
        self.assertEqual(self.partner.loyalty_tier, "bronze")

    def test_points_raise_the_tier(self):
        self.partner.action_earn_points(250.75)
        self.assertEqual(self.partner.loyalty_points, 250)
        self.assertEqual(self.partner.loyalty_tier, "silver")
        self.partner.action_earn_points(1000)
        self.assertEqual(self.partner.loyalty_tier, "gold")

    def test_points_are_never_negative(self):
        with self.assertRaises(ValidationError):
            self.partner.loyalty_points = -1
