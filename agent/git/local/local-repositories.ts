import { realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { lstatIfThere } from '../../../lib/files/lstat-if-there.ts'
import { TaskError } from '../../tasks/task.ts'
import { requireInside } from './alternates.ts'
import { createOwnership, openToAll } from './ownership.ts'

/** The agent's setting that says where repositories may be read by path. */
export const rootsSetting = 'FAIRWAY_GIT_ROOTS'

/** How a repository that lies on this host is read. */
export interface LocalRepository {
  /** For git, without symbolic links: `file:///srv/git/acme.git`. */
  readonly address: string
  /** Command for git's `--upload-pack`: it runs as the repository's owner and can do nothing that these can't. */
  readonly uploadPack: string
  readonly ownerUid: number
}

export interface LocalRepositories {
  /** Throws TaskError `repository-path`, `repository-unsafe`, and `repository-denied` where nothing is that can be read. */
  open(url: string): Promise<LocalRepository>
}

/**
 * Repositories by path, below folders that the host's admin named and nowhere else: no folder named, none read. Where a path
 * leads is looked at, not how it is written. What lies there may be anybody's, so nothing in it is trusted: it is read as its
 * owner, who is never root, with no way for it to borrow objects from beyond the folders, and not at all where anything in it is
 * somebody else's, or everybody may write to it.
 */
export function createLocalRepositories(roots: readonly string[]): LocalRepositories {
  return {
    async open(url) {
      const path = pathOf(url)
      const root = findRoot(roots, path)
      if (root === undefined) throw notAllowed(url, path, roots)
      const realRoots = await Promise.all(roots.map((each) => realpath(each).catch(() => each)))
      const real = await realpath(path).catch(() => undefined)
      if (real === undefined) throw notThere(url)
      const realRoot = findRoot(realRoots, real)
      if (realRoot === undefined) throw leadsOut(url)
      const gitDir = (await findGitDir(real)) ?? (await findGitDir(join(real, '.git')))
      if (gitDir === undefined) throw notThere(url)
      const { uid, gid } = await stat(gitDir)
      if (uid === 0) throw ofRoot(url)
      await requireGuardedWay(url, realRoot, gitDir)
      const { requireRepository, requireObjects } = createOwnership(url, uid)
      await requireRepository(gitDir)
      await requireInside(url, gitDir, {
        isAllowed: (other) => findRoot(realRoots, other) !== undefined,
        requireObjects,
      })
      return { address: pathToFileURL(gitDir).href, uploadPack: uploadPackAs(url, uid, gid), ownerUid: uid }
    },
  }
}

/** As it is written, dots resolved. */
function pathOf(url: string): string {
  const parsed = URL.parse(url)
  // A NUL ends a path for the system and not for us.
  if (parsed?.protocol !== 'file:' || parsed.host !== '' || /%00|%2f|%5c/i.test(url)) {
    throw new TaskError(
      'repository-url',
      `${url.slice(0, 200)} is no path: give one like file:///srv/git/acme.git`,
    )
  }
  return resolve(fileURLToPath(parsed))
}

const findRoot = (roots: readonly string[], path: string): string | undefined =>
  roots.find((root) => path.startsWith(root.endsWith('/') ? root : `${root}/`))

/**
 * The directory itself where it is a repository, links and pointers to elsewhere excluded: git follows `commondir`, and links
 * in the place of its own directories.
 */
async function findGitDir(path: string): Promise<string | undefined> {
  const kindOf = async (name: string) => {
    const found = await lstatIfThere(join(path, name))
    return found?.isDirectory() ? 'directory' : found?.isFile() ? 'file' : found ? 'other' : 'nothing'
  }
  if ((await kindOf('')) !== 'directory') return undefined
  const shape = { HEAD: ['file'], objects: ['directory'], refs: ['directory'], commondir: ['nothing'] }
  const inner = { config: ['file', 'nothing'], 'packed-refs': ['file', 'nothing'] }
  const folders = { 'objects/info': ['directory', 'nothing'], 'objects/pack': ['directory', 'nothing'] }
  for (const [name, kinds] of Object.entries({ ...shape, ...inner, ...folders }))
    if (!kinds.includes(await kindOf(name))) return undefined
  return path
}

/** Who may write to a folder on the way there may put another repository in its place. */
async function requireGuardedWay(url: string, root: string, gitDir: string): Promise<void> {
  for (const path of foldersUpTo(root, gitDir)) {
    if (((await stat(path)).mode & 0o002) !== 0) throw openToAll(url)
  }
}

/** From the root to the folder that holds the repository. */
function foldersUpTo(root: string, gitDir: string): string[] {
  const folders: string[] = []
  for (let at = dirname(gitDir); at.startsWith(root); at = dirname(at)) folders.push(at)
  return folders
}

/**
 * Its configuration and what it borrows are then worth no more than its owner's own rights. Git itself asks for that, too:
 * it reads no repository of another user.
 */
function uploadPackAs(url: string, uid: number, gid: number): string {
  // `--strict`: the directory that was looked at, and no other that git would try in its place.
  const command = 'git-upload-pack --strict'
  const self = process.geteuid?.() ?? 0
  if (uid === self) return command
  // Root's group reads what others don't; the owner of all of it needs none.
  const group = gid === 0 ? nogroup : gid
  if (self === 0)
    return `setpriv --reuid=${uid} --regid=${group} --clear-groups --no-new-privs --inh-caps=-all ${command}`
  throw new TaskError(
    'repository-unsafe',
    `${url} belongs to another user than the agent's, who does not run as root and so cannot read it as its owner`,
  )
}

const nogroup = 65_534

const ofRoot = (url: string) =>
  new TaskError(
    'repository-unsafe',
    `${url} belongs to root, and nothing is read as root: give it an owner of its own, all of it (chown -R git:)`,
  )

const whatToWrite = (folder: string, roots: readonly string[]) =>
  `have the host's admin write ${rootsSetting}=${[...roots, folder].join(',')} to its /etc/fairway/agent.env and restart the ` +
  'agent, or give an address that it can be fetched from (https://, ssh://)'

function notAllowed(url: string, path: string, roots: readonly string[]): TaskError {
  const why =
    roots.length === 0
      ? `is a path, and this host reads no repository by its path (${rootsSetting} names no folder)`
      : `is in no folder that ${rootsSetting} of this host names`
  return new TaskError('repository-path', `${url} ${why}: ${whatToWrite(dirname(path), roots)}`)
}

const leadsOut = (url: string) =>
  new TaskError(
    'repository-path',
    `${url} leads to somewhere else, by a symbolic link, that ${rootsSetting} of this host does not name: have the host's ` +
      'admin name the folder that it leads to as well, or give the path that it leads to',
  )

const notThere = (url: string) =>
  new TaskError(
    'repository-denied',
    `${url} cannot be read: no git repository is there on this host (a bare one, or a working copy with a .git folder of its ` +
      'own); check the path',
  )
