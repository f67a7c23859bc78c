import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from '../../packaging/dev/command.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'

// Repositories as public bug reports have them, with modules of our own.

/** By path. A byte of a name that is no UTF-8 is written as Python does: 0xe9 as `\udce9`. */
export type Files = Readonly<Record<string, string | Uint8Array>>

interface Manifest {
  readonly version?: string
  readonly depends?: string
  /** More keys, as they stand in the file. */
  readonly more?: string
}

/** An addon with a manifest and these files beside it. */
export function addon(
  folder: string,
  { version = '19.0.1.0.0', depends = 'base', more = '' }: Manifest = {},
  files: Files = {},
): Files {
  const at = folder === '' ? '' : `${folder}/`
  return {
    [`${at}__init__.py`]: '',
    [`${at}__manifest__.py`]: `{'name': 'Own', 'version': '${version}', 'license': 'LGPL-3', 'depends': ['${depends}'], ${more}}\n`,
    ...Object.fromEntries(Object.entries(files).map(([path, content]) => [`${at}${path}`, content])),
  }
}

/** Files of an addon that has one model with these columns. */
export function model(name: string, columns: readonly string[]): Files {
  const table = name.replaceAll('.', '_')
  return {
    '__init__.py': 'from . import models\n',
    'models.py': `from odoo import fields, models


class Own(models.Model):
    _name = '${name}'
    _description = 'Own'

${columns.map((column) => `    ${column} = fields.Char()\n`).join('')}`,
    'ir.model.access.csv': `id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\na,a,model_${table},base.group_user,1,1,1,1\n`,
  }
}

const bytesOf = (path: string): Buffer =>
  Buffer.concat(
    path
      .split(/(?=[\udc80-\udcff])|(?<=[\udc80-\udcff])/)
      .map((part) =>
        /^[\udc80-\udcff]$/.test(part) ? Buffer.from([part.charCodeAt(0) & 0xff]) : Buffer.from(part),
      ),
  )

/** A submodule: a commit of another repository. */
export interface Submodule {
  readonly path: string
  readonly url: string
  readonly commit: string
}

/** One commit with exactly these files; pushed where the server of the stack reports pushes. Gives its id. */
export type Publish = (
  repository: string,
  branch: string,
  files: Files,
  submodules?: readonly Submodule[],
) => Promise<string>

/** Publishes to the stack's repositories: those of a project over HTTP, so that Fairway hears of it, others in silence. */
export function createPublisher(stack: Stack, project: string): Publish {
  return async (repository, branch, files, submodules = []) => {
    const work = await mkdtemp(stack.path('work-'))
    const git = async (...args: string[]) =>
      (
        await run('git', ['-c', 'user.name=Dev', '-c', 'user.email=dev@example.org', ...args], { cwd: work })
      ).trim()
    await git('init', '--quiet')
    for (const [path, content] of Object.entries(files)) {
      await mkdir(bytesOf(dirname(join(work, path))), { recursive: true })
      await writeFile(bytesOf(join(work, path)), content)
    }
    const sections = submodules.map(
      ({ path, url }) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`,
    )
    if (sections.length > 0) await writeFile(join(work, '.gitmodules'), sections.join(''))
    // As they are, whatever .gitattributes is among them.
    await writeFile(join(work, '.git/info/attributes'), '* -text -ident -filter\n')
    await git('add', '--all', '--force')
    for (const { path, commit } of submodules)
      await git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`)
    await git('commit', '--quiet', '--allow-empty', '--message', `For ${branch}`)
    const address = await stack.createRepository(`demo/${repository}`)
    const remote = repository === project ? address : stack.path('git', 'demo', `${repository}.git`)
    await git('push', '--quiet', '--force', remote, `HEAD:refs/heads/${branch}`)
    const commit = await git('rev-parse', 'HEAD')
    await rm(work, { recursive: true })
    return commit
  }
}
