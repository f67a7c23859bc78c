import type { Command } from 'commander'
import { BuildService } from '../proto/gen/fairway/v1/builds_pb.js'
import { EnvironmentService } from '../proto/gen/fairway/v1/environments_pb.js'
import { SecretService } from '../proto/gen/fairway/v1/secrets_pb.js'
import { requireAllowed } from './confirm.ts'
import { type SecretJson, secretJson } from './json/secret.ts'
import { addScopeOptions, type ScopeOptions, scopeOf } from './secret-scope-option.ts'
import { readSecretValue } from './secret-value.ts'
import type { Session } from './session.ts'

export interface ValueOptions extends ScopeOptions {
  fromFile?: string
}

export const addValueOptions = (command: Command): void => {
  addScopeOptions(command).option(
    '--from-file <path>',
    'the value is what this file holds, line ends included',
  )
}

/** `secret set` and `secret rotate`: sends the value, then says who still runs without it. */
export async function setSecret(
  session: Session,
  [project = '', name = '']: string[],
  options: ValueOptions,
  rotate: boolean,
): Promise<undefined> {
  const { out, signal } = session
  const scope = scopeOf(options)
  const client = await session.client(SecretService)
  await requireAllowed(session, { permission: 'secret.set', project, environment: scope })
  const value = await readSecretValue(name, options.fromFile, signal)
  const { secret, maskingNote } = await client.setSecret({ project, name, scope, value, rotate }, { signal })
  if (!secret) return undefined
  const json = secretJson(secret)
  if (out.json) return void out.printJson(maskingNote ? { ...json, maskingNote } : json)
  out.line(`${name}${json.scope ? ` (${json.scope})` : ''} of ${project} is at version ${json.version}.`)
  if (maskingNote) out.note(maskingNote)
  await sayWhoIsStale(session, json)
}

async function isOfEnvironment(
  session: Session,
  build: { project: string; number: number },
  environment: string,
): Promise<boolean> {
  const client = await session.client(BuildService)
  const found = await client.getBuild({ build }, { signal: session.signal })
  return found.build?.environment === environment
}

/**
 * A container's environment cannot be changed: it takes a new one. A rebuild of its own build brings that without a break;
 * what a build of another environment made, as production after a promotion, is stopped and started.
 */
async function sayWhoIsStale(session: Session, { project, staleEnvironments }: SecretJson): Promise<void> {
  const { out, signal } = session
  if (staleEnvironments.length === 0)
    return out.note('No running environment needs it before its next start.')
  const client = await session.client(EnvironmentService)
  const { environments } = await client.listEnvironments({ project }, { signal })
  out.line('These environments still run without it; give it to them with:')
  for (const name of staleEnvironments) {
    const build = environments.find((environment) => environment.name === name)?.build ?? 0
    const own = build > 0 && (await isOfEnvironment(session, { project, number: build }, name))
    const place = `${project} ${name}`
    const renew = own
      ? `fairway build rebuild ${project} ${build}`
      : `fairway env stop ${place} && fairway env start ${place}`
    out.line(`  ${name}  ${renew}`)
  }
}
