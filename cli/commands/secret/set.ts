import { addValueOptions, setSecret, type ValueOptions } from '../../set-secret.ts'
import { verb } from '../../verb.ts'

export const command = verb<ValueOptions>({
  usage: 'set <project> <name>',
  summary: 'Set a secret: Odoo gets it as an environment variable of that name',
  details:
    'The value is asked for, or read from standard input (its last line end is dropped) or a file; never taken from the ' +
    'command line. An environment gets the nearest: its own before its stage’s before the project’s. What runs gets it ' +
    'when it is started or built next.',
  examples: [
    ['fairway secret set acme STRIPE_KEY --env production', 'asks for the value'],
    ['pass show stripe/test | fairway secret set acme STRIPE_KEY --stage staging', 'for all of staging'],
    ['fairway secret set acme SFTP_KEY --from-file id_ed25519', 'several lines, for the whole project'],
  ],
  configure: addValueOptions,
  run: (session, words, options) => setSecret(session, words, options, false),
})
