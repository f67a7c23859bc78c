from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestDiscount(TransactionCase):
    def test_gold_gets_ten_percent(self):
        partner = self.env["res.partner"].create({"name": "Grace", "loyalty_points": 1500})
        self.assertEqual(partner.loyalty_discount, 10.0)

    def test_bronze_gets_nothing(self):
        partner = self.env["res.partner"].create({"name": "Edsger"})
        self.assertEqual(partner.loyalty_discount, 0.0)
