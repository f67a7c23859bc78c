import type { LogRecord } from './log-records.ts'

/** Files that Debian's packages of Odoo leave out, as they have no source: blurred backgrounds in calls. */
export const leftOut = 'mail/static/lib/selfie_segmentation/'

interface Harmless {
  readonly logger: RegExp
  /** How the message begins; empty: any. */
  readonly begins: string
  readonly why: string
}

/** What Odoo says of itself as a warning or error and what is no fault of a candidate. */
const harmless: readonly Harmless[] = [
  { logger: /^py\.warnings$/, begins: '', why: 'Python and Odoo tell developers what will go away' },
  {
    logger: /^odoo\.addons\.base\.models\.assetsbundle$/,
    begins: 'You need https://rtlcss.com/',
    why: 'the image has no rtlcss: pages in Arabic or Hebrew are laid out from left to right',
  },
  {
    logger: /^odoo\.addons\.base\.models\.assetsbundle$/,
    begins: `'Could not get content for ${leftOut}`,
    why: 'Debian leaves it out, as it has no source: blurred backgrounds in calls',
  },
  {
    logger: /^odoo\.addons\.base\.models\.ir_actions_report$/,
    begins: 'You need Wkhtmltopdf',
    why: 'the image makes no PDF',
  },
  {
    logger: /^odoo\.tools\.config$/,
    begins: 'option ',
    why: 'a folder of addons that an image leaves empty',
  },
  {
    logger: /^odoo\.addons\.rpc\.controllers\b/,
    begins: 'The /',
    why: 'a way in that Odoo will close in a later series',
  },
]

export function isHarmless({ logger, message }: Pick<LogRecord, 'logger' | 'message'>): boolean {
  return harmless.some((known) => known.logger.test(logger) && message.startsWith(known.begins))
}
