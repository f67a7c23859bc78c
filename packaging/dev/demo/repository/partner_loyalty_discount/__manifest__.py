{
    "name": "Partner Loyalty Discount",
    "summary": "A discount by loyalty tier",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "license": "LGPL-3",
    "author": "Fairway demo",
    "depends": ["partner_loyalty"],
    "data": ["views/res_partner_views.xml"],
}
