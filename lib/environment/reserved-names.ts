/**
 * Variables that Odoo's container, its entrypoint, libpq, the C library, Python or Odoo itself read: one of that name
 * would break the environment or take it over (packaging/images/odoo/entrypoint.sh, odoo/tools/config.py, which
 * takes every option from ODOO_<OPTION>).
 */
const reserved = new Set([
  'HOST',
  'PORT',
  'USER',
  'PASSWORD',
  'PASSWORD_FILE',
  'DB_TIMEOUT',
  'DATABASE_URL',
  'PATH',
  'HOME',
  'HOSTNAME',
  'LOGNAME',
  'USERNAME',
  'SHELL',
  'SHELLOPTS',
  'ENV',
  'IFS',
  'CDPATH',
  'PWD',
  'OLDPWD',
  'PS4',
  'TERM',
  'TZ',
  'TZDIR',
  'LANG',
  'LANGUAGE',
  'TMPDIR',
  'TEMP',
  'TMP',
  'GCONV_PATH',
  'GETCONF_DIR',
  'GLIBC_TUNABLES',
  'LOCPATH',
  'NLSPATH',
  'HOSTALIASES',
  'RES_OPTIONS',
  'RESOLV_HOST_CONF',
  'LOCALDOMAIN',
  'SECONDS',
  'OPENERP_SERVER',
  'VIRTUAL_ENV',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
  'SSLKEYLOGFILE',
])
const reservedPrefixes = [
  'PG',
  'LD_',
  'PYTHON',
  'ODOO_',
  'FAIRWAY_',
  'BASH',
  'LC_',
  'NODE_',
  'MALLOC_',
  'LISTEN_',
  'DOCKER_',
]

/** Which Fairway sets for people, and they may set otherwise: see stage-variables.ts, and agent/containers/odoo-options.ts. */
const free = new Set(['ODOO_STAGE', 'MALLOC_ARENA_MAX'])

/** Of secrets and of the variables of fairway.yaml: one form, so that a secret can take the place of a variable. */
export const variableNamePattern = /^[A-Z][A-Z0-9_]{0,63}$/

/** Why nobody may set a variable of that name, as a sentence; undefined: they may. */
export function whyReserved(name: string): string | undefined {
  if (free.has(name)) return undefined
  const prefix = reservedPrefixes.find((start) => name.startsWith(start))
  if (!prefix && !reserved.has(name)) return undefined
  const what = prefix ? `Names that begin with ${prefix} are` : `The name ${name} is`
  return `${what} kept for the container itself: Odoo, PostgreSQL or the system read it. Choose another, as in SHOP_${name}.`
}
