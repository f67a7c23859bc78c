import { homedir } from 'node:os'
import { join } from 'node:path'

/** What the environment says. The only place of the CLI that reads process.env. */
export interface Settings {
  readonly server?: string
  readonly token?: string
  readonly credentialsFile: string
  /** What may be lost at any time is kept below it. */
  readonly cacheHome: string
  /** Codes and tokens may go over the network in the clear. */
  readonly insecureHttp: boolean
  readonly colour: boolean
  readonly browser?: string
  readonly path: string
  /** For git itself, without what the git of a hook says of the repository that it runs for. */
  readonly gitEnvironment: Record<string, string | undefined>
  /** Where a GitHub Actions job with `permissions: id-token: write` asks for an ID token. */
  readonly workflow?: { readonly tokenUrl: string; readonly requestToken: string }
}

export function readSettings(
  env: Record<string, string | undefined> = process.env,
  isTerminal: boolean = process.stdout.isTTY === true,
): Settings {
  const configHome = env.XDG_CONFIG_HOME || join(homedir(), '.config')
  return {
    server: env.FAIRWAY_SERVER || undefined,
    token: env.FAIRWAY_TOKEN || undefined,
    cacheHome: env.XDG_CACHE_HOME || join(homedir(), '.cache'),
    credentialsFile: join(configHome, 'fairway', 'credentials.json'),
    insecureHttp: env.FAIRWAY_INSECURE_HTTP === '1',
    colour: isTerminal && !env.NO_COLOR && env.TERM !== 'dumb',
    browser: env.BROWSER || undefined,
    path: env.PATH ?? '',
    gitEnvironment: withoutGit(env),
    workflow:
      env.ACTIONS_ID_TOKEN_REQUEST_URL && env.ACTIONS_ID_TOKEN_REQUEST_TOKEN
        ? {
            tokenUrl: env.ACTIONS_ID_TOKEN_REQUEST_URL,
            requestToken: env.ACTIONS_ID_TOKEN_REQUEST_TOKEN,
          }
        : undefined,
  }
}

const withoutGit = (env: Record<string, string | undefined>) =>
  Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || name.startsWith('GIT_CONFIG')),
  )
