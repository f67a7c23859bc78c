/**
 * Which package on an index a name in `external_dependencies.python` means: reviewed by hand, and the only names of
 * manifests that an index is ever asked for. From the maps of the OCA's manifestoo-core and setuptools-odoo
 * (EXTERNAL_DEPENDENCIES_MAP), the requirements of Odoo itself, and what OCA manifests name most. A name is added only where
 * it is known whose it is: whoever holds it on the index gets code into every image whose modules name it. Each was compared,
 * in 2026, with what the index says the package is.
 */
const renamed: Readonly<Record<string, string>> = {
  Asterisk: 'py-asterisk',
  bs4: 'beautifulsoup4',
  coda: 'pycoda',
  Crypto: 'pycryptodome',
  cups: 'pycups',
  dateutil: 'python-dateutil',
  dns: 'dnspython',
  docx: 'python-docx',
  facturx: 'factur-x',
  git: 'gitpython',
  jose: 'python-jose',
  jwt: 'pyjwt',
  ldap: 'python-ldap',
  magic: 'python-magic',
  OpenSSL: 'pyopenssl',
  PIL: 'pillow',
  serial: 'pyserial',
  sklearn: 'scikit-learn',
  slugify: 'python-slugify',
  stdnum: 'python-stdnum',
  u2flib_server: 'python-u2flib-server',
  usb: 'pyusb',
  vcr: 'vcrpy',
  yaml: 'pyyaml',
}

/** Whose package is called what it is imported as, or is named as a package in manifests. */
const same = [
  'astor',
  'boto3',
  'cachetools',
  'chardet',
  'cryptography',
  'ebaysdk',
  'factur-x',
  'formio-data',
  'freezegun',
  'geojson',
  'gspread',
  'jinja2',
  'jsonschema',
  'ldap3',
  'lxml',
  'markdown',
  'num2words',
  'numpy',
  'odoorpc',
  'openpyxl',
  'openupgradelib',
  'ovh',
  'pandas',
  'paramiko',
  'phonenumbers',
  'pillow',
  'pycountry',
  'pycryptodome',
  'pydantic',
  'pyjwt',
  'pyopenssl',
  'pypdf',
  'pysftp',
  'python-barcode',
  'python-dateutil',
  'python-docx',
  'python-jose',
  'python-ldap',
  'python-slugify',
  'python-stdnum',
  'pyyaml',
  'qrcode',
  'redis',
  'reportlab',
  'requests',
  'requests-oauthlib',
  'requests-toolbelt',
  'schwifty',
  'sentry-sdk',
  'shapely',
  'simplejson',
  'stripe',
  'unidecode',
  'vobject',
  'xlrd',
  'xlsxwriter',
  'xlwt',
  'xmlsec',
  'zeep',
  'zxcvbn',
]

const distributions = new Map([...same.map((name) => [name, name] as const), ...Object.entries(renamed)])

/** What is kept, by normalized name: none of it brings addons. */
export const keptDistributions: ReadonlySet<string> = new Set(distributions.values())

/** Undefined for a name that only the project can know. `written`: as it stands in the manifest, or normalized. */
export function findDistribution(written: string): string | undefined {
  return distributions.get(written)
}
