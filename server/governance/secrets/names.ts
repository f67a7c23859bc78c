import { DomainError, invalid } from '../../errors.ts'

const maxValueBytes = 32 * 1024
/** Of all secrets of a project together: they become one process environment. */
export const maxProjectBytes = 1024 * 1024

/**
 * Variables that Odoo's container, its entrypoint, libpq, the C library, Python or Odoo itself read: a secret of that
 * name would break the environment or take it over (packaging/images/odoo/entrypoint.sh, odoo/tools/config.py, which
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
  'MALLOC_ARENA_MAX',
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

/** Throws `invalid-name`. */
export function requireSecretName(name: string): void {
  if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name)) {
    throw invalid(
      'name',
      `${JSON.stringify(name.slice(0, 80))} is no name of a secret: write it like an environment variable, ` +
        'in capital letters, digits and _ (at most 64), as in STRIPE_API_KEY.',
    )
  }
  const prefix = reservedPrefixes.find((start) => name.startsWith(start))
  if (prefix || reserved.has(name)) {
    const what = prefix ? `Names that begin with ${prefix} are` : `The name ${name} is`
    throw invalid(
      'name',
      `${what} kept for the container itself: Odoo, PostgreSQL or the system read it. Choose another, as in SHOP_${name}.`,
    )
  }
}

/** Throws `invalid-value`; never says the value. */
export function requireSecretValue(value: string): void {
  if (value.length === 0)
    throw invalid('value', 'The value is empty. To take a secret away: `fairway secret delete`.')
  const bytes = Buffer.byteLength(value)
  if (bytes > maxValueBytes) {
    throw invalid('value', `The value has ${bytes} bytes; ${maxValueBytes} is the most a secret can have.`)
  }
  if (value.includes('\0')) {
    throw invalid(
      'value',
      'The value holds a NUL byte, which no environment variable can. Encode it in base64.',
    )
  }
}

export const tooMuch = (project: string) =>
  new DomainError(
    'limit',
    'secrets-too-large',
    `The secrets of ${project} would be more than ${maxProjectBytes / 1024} KiB together: ` +
      'delete what is not needed any more.',
  )
