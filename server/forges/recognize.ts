import { bitbucket } from './bitbucket.ts'
import { type Forge, type Headed, headerOf } from './forge.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { plainGit } from './plain-git.ts'

/**
 * Who sent it, by its headers, wherever it was sent to: Gitea and Forgejo send GitHub's beside their own, and their ids are
 * not GitHub's. Others that sign as GitHub does are read as GitHub's.
 */
export function forgeOf(request: Headed): Forge {
  const has = (name: string) => headerOf(request, name) !== ''
  if (has('x-forgejo-event') || has('x-gitea-event')) return gitea
  if (has('x-gitlab-event')) return gitlab
  if (has('x-event-key')) return bitbucket
  if (has('x-fairway-delivery')) return plainGit
  return github
}
