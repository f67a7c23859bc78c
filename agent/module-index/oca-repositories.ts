/**
 * Repositories of addons on github.com/OCA, by name; tools, templates and archives are not among them. Where one is missing,
 * `sources.index.repositories` of fairway.yaml names others. Written from memory: a name that is wrong, or no longer public,
 * is answered as "cannot be read" and counts as that (`ModuleSearch.unread`), never as a repository without the module.
 */
export const ocaRepositories: readonly string[] = `
account-analytic account-budgeting account-closing account-consolidation account-financial-reporting
account-financial-tools account-fiscal-rule account-invoice-reporting account-invoicing account-payment
account-reconcile agreement ai apps-store automation bank-payment bank-payment-alternative bank-statement-import
brand business-requirement calendar commission community-data-files connector
connector-cmis connector-ecommerce connector-infor connector-interfaces connector-jira connector-lengow
connector-lims connector-magento connector-odoo2odoo connector-prestashop connector-redmine
connector-salesforce connector-spscommerce connector-telephony connector-woocommerce contract cooperative credit-control
crm currency data-protection ddmrp delivery-carrier department dms donation e-commerce e-learning edi edi-framework
edi-ediversa edi-voxel event field-service fleet geospatial helpdesk hr hr-attendance hr-expense hr-holidays
iot intrastat-extrastat infrastructure-dns interface-github knowledge l10n-argentina l10n-austria l10n-belarus
l10n-belgium l10n-brazil l10n-cambodia l10n-canada l10n-chile l10n-china l10n-colombia
l10n-costa-rica l10n-croatia l10n-czech l10n-denmark l10n-ecuador l10n-estonia l10n-ethiopia l10n-finland l10n-france
l10n-germany l10n-greece l10n-hungary l10n-india l10n-indonesia l10n-iran l10n-ireland l10n-italy l10n-japan
l10n-luxemburg l10n-macedonia l10n-malaysia l10n-mexico l10n-morocco l10n-netherlands
l10n-new-zealand l10n-norway l10n-peru l10n-poland l10n-portugal l10n-romania l10n-russia l10n-slovenia l10n-spain
l10n-sweden l10n-switzerland l10n-taiwan l10n-thailand l10n-turkey l10n-ukraine l10n-united-kingdom l10n-uruguay
l10n-usa l10n-venezuela l10n-vietnam maintenance management-system manufacture manufacture-reporting margin-analysis
mis-builder mis-builder-contrib multi-company oca-custom odoo-pim operating-unit
partner-contact payroll pms pos product-attribute product-configurator product-kitting product-pack
product-variant program project project-agile project-reporting purchase-reporting purchase-workflow
queue repair report-print-send reporting-engine rest-framework rma role-policy
sale-channel sale-financial sale-promotion sale-prebook sale-reporting sale-workflow search-engine server-auth
server-backend server-brand server-env server-tools server-ux shift-planning sign
social spreadsheet stock-logistics-availability stock-logistics-barcode stock-logistics-interfaces
stock-logistics-orderpoint stock-logistics-putaway stock-logistics-release-channel stock-logistics-reporting
stock-logistics-request stock-logistics-reservation stock-logistics-shopfloor stock-logistics-tracking
stock-logistics-transport stock-logistics-warehouse stock-logistics-workflow stock-weighing storage
survey timesheet vertical-abbey vertical-agriculture vertical-association vertical-community
vertical-construction vertical-cooperative-supermarket vertical-edition vertical-education vertical-hotel
vertical-isp vertical-medical vertical-ngo vertical-realestate vertical-rental vertical-travel
web web-api web-api-contrib webhook webkit-tools website website-cms website-themes wms
`
  .split(/\s+/)
  .filter(Boolean)
