import type { EnvironmentJson } from './json/environment.ts'

type SignIn = Pick<
  EnvironmentJson,
  'project' | 'name' | 'stage' | 'administratorLogin' | 'defaultLogins' | 'signIn'
>

/** Production's data, and whoever reaches the address gets in: Odoo's manual has the password. */
export const isOpenToAll = ({ stage, defaultLogins }: SignIn): boolean =>
  stage !== 'development' && defaultLogins.length > 0

/** How one signs in, in one sentence; empty where nobody knows. */
export function signInSentence(environment: SignIn): string {
  const { project, name, stage, administratorLogin: login, signIn } = environment
  const open = `fairway env open ${project}/${name}`
  if (isOpenToAll(environment))
    return `whoever reaches it gets in as ${pairs(environment)}: change that in Odoo now (Preferences, Security)`
  switch (signIn) {
    case 'kept':
      return stage === 'production'
        ? `as ${login}: ${open} shows the password, once and to one person`
        : `as ${login}: ${open}`
    case 'gone':
      return `as ${login}, with the password that was shown when it was new; people whom it made, with theirs`
    case 'default':
      return `as ${pairs(environment)}`
    case 'as-production':
      return 'with the logins and passwords of production, which the policy keeps'
    case 'disabled':
      return 'nobody has a password: the policy takes those of production away (neutralization.passwords)'
    case 'own':
      return 'with the logins and passwords that its people or modules set'
    default:
      return ''
  }
}

const ofOdoo: Readonly<Record<string, string>> = { admin: 'admin', demo: 'demo', portal: 'portal' }

const pairs = ({ defaultLogins }: SignIn) =>
  defaultLogins
    .map((login) => `${login} with ${ofOdoo[login] ?? 'the password that every Odoo gives it'}`)
    .join(', or ')
