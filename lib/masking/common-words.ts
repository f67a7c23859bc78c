/** Words that settings are made of, in small letters: as secrets they would blank ordinary text, and keep nothing from anybody. */
export const commonWords: ReadonlySet<string> = new Set(
  `true false none null undefined enabled disabled enable disable default auto
  production prod staging stage preprod preproduction development develop devel test tests testing demo live local sandbox
  integration acceptance preview review release master main trunk
  debug info warning warn error critical fatal trace verbose quiet
  odoo openerp fairway postgres postgresql database admin administrator root user users guest nobody public system
  localhost server client company website shop store erp web mail email smtp imap ftp sftp http https redis memcached
  login password passwd secret token apikey api_key changeme
  utf-8 utf8 ascii latin1 starttls ssl/tls ssl_tls plain cron queue_job root.odoo json yaml text html
  europe asia africa america eu-west-1 eu-west-2 eu-west-3 eu-central-1 us-east-1 us-east-2 us-west-1 us-west-2
  monday tuesday wednesday thursday friday saturday sunday`
    .split(/\s+/)
    .filter(Boolean),
)
