import { blank, credentialLike, type Idea, where } from '../rule.ts'

/**
 * Tables of modules that are about one service of somebody else: all in them that looks like a credential goes. Odoo's own,
 * those of its enterprise edition, and well-known ones of the community (OCA).
 */
const tables = [
  'account_online_link',
  'amazon_account',
  'auth_api_key',
  'backup_config',
  'connector_backend',
  'db_backup',
  'fs_storage',
  'keychain_account',
  'l10n_in_gstr_gstin',
  'printing_server',
  'product_feed',
  'shopee_account',
  'sms_twilio_account',
  'social_account',
  'social_media',
  'storage_backend',
  'voip_provider',
  'whatsapp_account',
]

/** Carriers, in-app purchases, and accounts at services of others. */
export const services: Idea = (schema) => [
  ...where(schema, 'delivery_carrier', ['prod_environment'], {
    name: 'no delivery carrier in production mode',
    change: 'update public.delivery_carrier set prod_environment = false where prod_environment',
    offences: `select 'carrier ' || id as item from public.delivery_carrier where prod_environment`,
  }),
  ...where(schema, 'delivery_carrier', ['active', 'delivery_type'], {
    name: 'no carrier of an external service',
    change: `update public.delivery_carrier set active = false
              where active and delivery_type not in ('fixed', 'base_on_rule')`,
    offences: `select 'carrier ' || id || ' (' || delivery_type || ')' as item from public.delivery_carrier
                where active and delivery_type not in ('fixed', 'base_on_rule')`,
  }),
  ...blank(schema, {
    name: 'no credential of a delivery carrier',
    table: 'delivery_carrier',
    like: new RegExp(
      `${credentialLike.source}|_(login|username|account_number|customer_number|meter_number|shipper_number|license|license_number|developer_key|key)$`,
    ),
  }),
  ...where(schema, 'iap_account', ['account_token'], {
    name: 'no account of in-app purchases is usable',
    change: `update public.iap_account set account_token = 'neutralized+disabled'
              where account_token is distinct from 'neutralized+disabled'`,
    offences: `select 'account ' || id as item from public.iap_account
                where account_token is not null and account_token not like '%+disabled'`,
  }),
  ...tables.flatMap((table) =>
    blank(schema, {
      name: 'no credential at a service of others',
      table,
      columns:
        table === 'fs_storage'
          ? ['options', 'eval_options_from_env']
          : table === 'auth_api_key'
            ? ['key']
            : [],
      like: credentialLike,
      except: ['access_token_validity', ...(table === 'product_feed' ? ['access_token'] : [])],
    }),
  ),
]
