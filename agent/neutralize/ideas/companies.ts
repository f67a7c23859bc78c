import { blank, credentialLike, type Idea, where } from '../rule.ts'
import { literal } from '../schema.ts'

/** Modules put what a company signs in with into its own record: electronic invoicing, SMS, suppliers, maps. */
const ofCompanies = ['res_company', 'website', 'res_partner_bank', 'account_journal', 'res_bank']

const isCredential = `name ~* ${literal(credentialLike.source)}
  and (coalesce(value_text, '') <> '' or value_binary is not null)`

/** Electronic invoicing and what is signed for it. */
export const companies: Idea = (schema) => [
  ...ofCompanies.flatMap((table) =>
    blank(schema, {
      name: `no credential in ${table}`,
      table,
      like: new RegExp(`${credentialLike.source}|_key$|hash(key|IV)$`),
      // Links, which get new values instead.
      except: ['access_token', 'attendance_kiosk_key'],
    }),
  ),
  ...where(schema, 'res_company', ['attendance_kiosk_key'], {
    name: 'no link opens production’s attendance kiosk',
    change: `update public.res_company set attendance_kiosk_key = 'fairway' || left(replace(gen_random_uuid()::text, '-', ''), 25)
              where attendance_kiosk_key <> ''`,
    offences: `select 'company ' || id as item from public.res_company
                where attendance_kiosk_key <> '' and attendance_kiosk_key not like 'fairway%'`,
  }),
  // Until 17 what a field has for each company stands here; from 18 on in columns like any other.
  ...where(schema, 'ir_property', ['name', 'value_text', 'value_binary'], {
    name: 'no credential in a company-dependent field',
    change: `update public.ir_property set value_text = null, value_binary = null where ${isCredential}`,
    offences: `select name as item from public.ir_property where ${isCredential}`,
  }),
  ...blank(schema, {
    name: 'no user name at a service of a company',
    table: 'res_company',
    like: /^l10n_.*_(username|access_token|refresh_token|ident)$/,
  }),
  ...where(schema, 'account_edi_proxy_client_user', ['edi_mode', 'proxy_type'], {
    name: 'no electronic invoicing in production mode',
    change: `update public.account_edi_proxy_client_user
                set edi_mode = case when proxy_type in ('l10n_it_edi', 'peppol', 'nemhandel') then 'demo' else 'test' end
              where edi_mode = 'prod' and proxy_type <> 'l10n_my_edi'`,
    offences: `select proxy_type as item from public.account_edi_proxy_client_user
                where edi_mode = 'prod' and proxy_type <> 'l10n_my_edi'`,
  }),
  ...blank(schema, {
    name: 'no key of electronic invoicing',
    table: 'account_edi_proxy_client_user',
    columns: ['private_key', 'refresh_token'],
    like: credentialLike,
    except: ['id_client'],
  }),
  ...[
    'certificate_key',
    'certificate_certificate',
    'l10n_es_edi_certificate',
    'l10n_es_edi_facturae_certificate',
    'l10n_mx_edi_certificate',
    'l10n_cl_certificate',
    'l10n_pe_edi_certificate',
    'l10n_ec_edi_certificate',
    'l10n_eg_edi_thumb_drive',
  ].flatMap((table) =>
    blank(schema, {
      name: 'no private key of a certificate',
      table,
      columns: ['content', 'key', 'pem_key', 'private_key', 'pin'],
      like: credentialLike,
      except: ['access_token'],
    }),
  ),
]
