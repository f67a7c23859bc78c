import { addValueOptions, setSecret, type ValueOptions } from '../../set-secret.ts'
import { verb } from '../../verb.ts'

export const command = verb<ValueOptions>({
  usage: 'rotate <project> <name>',
  summary: 'Give a secret that is set a new value',
  details:
    'Like `secret set`, but a wrong name or scope is an error instead of a new secret. Says which environments still run ' +
    'with the old value, and how to renew them.',
  examples: [
    ['openssl rand -base64 24 | fairway secret rotate acme API_TOKEN --env production', 'a random one'],
  ],
  configure: addValueOptions,
  run: (session, words, options) => setSecret(session, words, options, true),
})
