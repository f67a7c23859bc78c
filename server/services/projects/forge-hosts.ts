import { hostOf } from './project-fields.ts'
import { forgeOf, type RepositoryPin } from './repository-pin.ts'

const publicHosts: ReadonlyMap<string, string> = new Map([
  ['github.com', 'github'],
  ['gitlab.com', 'gitlab'],
  ['gitea.com', 'gitea'],
  ['codeberg.org', 'gitea'],
  ['bitbucket.org', 'bitbucket'],
])

/** As people call the machine: `gitlab.acme.io`. */
const firstLabels: ReadonlyMap<string, string> = new Map([
  ['github', 'github'],
  ['gitlab', 'gitlab'],
  ['gitea', 'gitea'],
  ['forgejo', 'gitea'],
  ['bitbucket', 'bitbucket'],
])

/**
 * Whether the address is known to be at another forge than the one that gave the ids. Most companies' git servers have
 * names that say nothing, and may be any.
 */
export function isAtOtherForge(repositoryUrl: string, pin: RepositoryPin): boolean {
  const forge = findForge(hostOf(repositoryUrl))
  return forge !== undefined && forge !== forgeOf(pin)
}

function findForge(host: string): string | undefined {
  const labels = host.split('.')
  // Some take ssh at a host below: ssh.github.com, altssh.gitlab.com.
  return publicHosts.get(labels.slice(-2).join('.')) ?? firstLabels.get(labels[0] ?? '')
}
