import { invalidSources, maxFileBytes } from './declaration.ts'

export interface ConfOption {
  /** `options` is Odoo's own. */
  readonly section: string
  readonly name: string
  readonly line: number
}

const maxOptions = 1000

/** The options that a part of odoo.conf sets, as Python's configparser reads lines; values are nobody's business here. */
export function parseOdooConf(text: string, file: string): ConfOption[] {
  if (Buffer.byteLength(text) > maxFileBytes) throw invalidSources(file, 'larger than 256 KiB')
  const found: ConfOption[] = []
  let section = 'options'
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = raw.trim()
    // What is indented goes on with the value above it.
    if (line === '' || /^[#;]/.test(line) || /^\s/.test(raw)) continue
    const header = /^\[([^\]]{1,100})\]/.exec(line)
    if (header) section = header[1]!
    else {
      const name = line.slice(0, line.search(/[=:]|$/)).trim()
      if (name !== '') found.push({ section, name: name.slice(0, 80).toLowerCase(), line: index + 1 })
    }
    if (found.length > maxOptions) throw invalidSources(file, `more than ${maxOptions} options`)
  }
  return found
}

/** What Fairway says itself to each Odoo that it runs. */
const ours =
  /^(addons_path|admin_passwd|data_dir|db_\w+|dbfilter|list_db|proxy_mode|without_demo|with_demo|http_\w+|xmlrpc\w*|netrpc\w*|longpolling_port|gevent_port|log\w*|pidfile|syslog|test_\w+|init|update|stop_after_init|dev_mode|unaccent|pg_path)$/
const resources = /^(workers|limit_(memory|time)_\w+|max_cron_threads)$/
const mail = /^(smtp_\w+|email_from|from_filter)$/

/** What to do instead, by option; undefined where nothing is lost. */
export function adviceFor({ section, name }: ConfOption): string | undefined {
  if (section !== 'options') return inImage
  if (ours.test(name)) return undefined
  if (resources.test(name)) return 'set `workers`, `memory` and `cpus` of each stage in fairway.yaml'
  if (mail.test(name)) return 'set up the outgoing mail server in Odoo, where copies are kept from using it'
  return inImage
}

const inImage = 'put it into the odoo.conf of an image of your own, named under base_image in fairway.yaml'
