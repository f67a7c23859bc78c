import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { type CliResult, runCli } from './cli.ts'

export type Files = Record<string, string>

/** What `fairway check --json` prints. */
export interface Check {
  readonly result: string
  readonly baseImage: string
  readonly unjudged: string[]
  readonly findings: readonly {
    readonly level: string
    readonly reason: string
    readonly message: string
    readonly stages: string[]
    readonly file?: string
    readonly line?: number
  }[]
}

/** Working copies of git, one after the other, and the command line that checks them. */
export interface WorkingCopies {
  /** That all of them are in. */
  readonly directory: string
  /** Of the present one. */
  folder: string
  env: Record<string, string>
  /** Another one, with a cache of its own. */
  begin(): void
  write(files: Files, folder?: string): Promise<void>
  git(...args: string[]): Promise<string>
  /** Begins a repository with these files. */
  commit(files: Files): Promise<void>
  cli(...words: string[]): Promise<CliResult>
  check(...words: string[]): Promise<Check & { code: number; said: (level: string) => string[] }>
  close(): Promise<void>
}

export async function openWorkingCopies(): Promise<WorkingCopies> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-copies-'))
  let count = 0
  const copies: WorkingCopies = {
    directory,
    folder: '',
    env: {},
    begin() {
      copies.folder = join(directory, `copy-${++count}`)
      copies.env = {
        HOME: directory,
        XDG_CACHE_HOME: join(directory, `cache-${count}`),
        XDG_CONFIG_HOME: join(directory, 'config'),
        GIT_CONFIG_NOSYSTEM: '1',
      }
    },
    async write(files, folder = copies.folder) {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), content)
      }
    },
    async git(...args) {
      const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.test']
      const env = { ...process.env, ...copies.env }
      return (await promisify(execFile)('git', ['-C', copies.folder, ...identity, ...args], { env })).stdout
    },
    async commit(files) {
      await copies.write(files)
      await copies.git('init', '--quiet', '-b', 'main')
      await copies.git('add', '--all', '--force')
      await copies.git('commit', '--quiet', '-m', 'Begin')
    },
    cli: (...words) => runCli(['check', ...words], copies.env),
    async check(...words) {
      const { code, stdout, stderr } = await copies.cli(copies.folder, ...words, '--json')
      expect(stderr).toBe('')
      const found: Check = JSON.parse(stdout)
      const said = (level: string) =>
        found.findings.filter((one) => one.level === level).map(({ message }) => message)
      return { ...found, code, said }
    },
    close: () => rm(directory, { recursive: true, force: true }),
  }
  copies.begin()
  return copies
}

/** Files of an addon. */
export const addon = (path: string, depends: string[] = [], more = ''): Files => ({
  [`${path}/__init__.py`]: '',
  [`${path}/__manifest__.py`]: `{'name': 'x', 'version': '19.0.1.0.0', 'depends': ${JSON.stringify(depends)}, ${more}}\n`,
})
