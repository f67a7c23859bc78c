import { blank, credentialLike, empties, type Idea, where } from '../rule.ts'

/** Ways in besides the password: keys, second factors, other services, links that were sent, and who is signed in. */
export const signIn: Idea = (schema) => [
  ...empties(schema, 'res_users_apikeys', 'no API key'),
  ...empties(schema, 'auth_totp_device', 'no device is trusted for the second factor'),
  ...empties(schema, 'auth_passkey_key', 'no passkey'),
  ...empties(schema, 'res_device_log', 'no device is signed in'),
  ...blank(schema, {
    name: 'no second factor and no token of a user',
    table: 'res_users',
    columns: ['totp_secret', 'oauth_access_token', 'openid_key'],
    like: /token|secret|api_?key/,
  }),
  ...where(schema, 'auth_oauth_provider', ['enabled', 'name'], {
    name: 'no sign-in through other services',
    change: 'update public.auth_oauth_provider set enabled = false where enabled',
    offences: 'select name::text as item from public.auth_oauth_provider where enabled',
  }),
  ...blank(schema, {
    name: 'no credential at a service for sign-in',
    table: 'auth_oauth_provider',
    like: credentialLike,
  }),
  ...blank(schema, { name: 'no password of a directory', table: 'res_company_ldap', like: credentialLike }),
  ...blank(schema, {
    name: 'no private key for single sign-on',
    table: 'auth_saml_provider',
    like: new RegExp(`${credentialLike.source}|_pem`),
  }),
  ...blank(schema, {
    name: 'no link to sign up or to set a password',
    table: 'res_partner',
    columns: ['signup_token', 'signup_type'],
  }),
  ...blank(schema, {
    name: 'no password of a page',
    table: 'ir_ui_view',
    columns: ['visibility_password'],
  }),
  // Forms that people filled in a moment ago: what Odoo's vacuum has not yet taken away.
  ...['change_password_user', 'change_password_own', 'res_users_identitycheck'].flatMap((table) =>
    blank(schema, { name: 'no password in a form', table, like: /passw/ }),
  ),
  ...blank(schema, {
    name: 'no credential in a form of settings',
    table: 'res_config_settings',
    like: credentialLike,
  }),
]
