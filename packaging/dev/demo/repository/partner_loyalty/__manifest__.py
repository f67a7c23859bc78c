{
    "name": "Partner Loyalty",
    "summary": "Loyalty points and tiers on contacts",
    "version": "19.0.1.0.0",
    "category": "Sales",
    "license": "LGPL-3",
    "author": "Fairway demo",
    "depends": ["contacts"],
    "data": ["views/res_partner_views.xml"],
}
