import type { LockedApt } from '../../lib/repository/lock.ts'
import { aptName, aptPinnedName, aptVersion } from '../../lib/repository/package-patterns.ts'
import { runThrowaway } from '../containers/throwaway.ts'
import type { AllowEntry } from '../egress/allow-list.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import type { PackageServices } from './pip.ts'

const maxPackages = 1000

// Lists in memory: the image's user may not write where apt keeps them, and simulates without being root.
const script = `
set -eu
options="-o Acquire::http::Proxy=$http_proxy -o Acquire::https::Proxy=$https_proxy"
options="$options -o Dir::State::lists=/tmp/lists -o Dir::Cache=/tmp/cache -o Debug::NoLocking=1 -o Acquire::Retries=2 -o APT::Update::Error-Mode=any"
mkdir -p /tmp/lists/partial /tmp/cache/archives/partial
apt-get $options -qq update >&2 || exit 91
simulate() { apt-get $options -qq -s --no-install-recommends -o APT::Get::Show-User-Simulation-Note=false install -- "$@"; }
read -r names
read -r pinned
# What a lock pins may be gone from the sources since.
if [ -n "$pinned" ] && simulate $pinned >/tmp/held 2>/dev/null; then
  cat /tmp/held
  exit 0
fi
simulate $names
`

/**
 * Resolves Debian packages to versions with the image's own apt and sources, by simulation: what would be installed or
 * upgraded, dependencies included. Versions of a lock hold while the sources have them.
 *
 * @throws TaskError `apt-missing`, `apt-conflict`, `apt-unavailable`.
 */
export async function resolveApt(
  { docker, packages }: PackageServices,
  context: TaskContext,
  image: string,
  names: readonly string[],
  pins: readonly LockedApt[],
  allow: readonly AllowEntry[],
): Promise<LockedApt[]> {
  const bad = names.find((name) => !aptName.test(name))
  if (bad !== undefined) throw new TaskError('bad-input', `${JSON.stringify(bad)} is no Debian package`)
  const pinned = pins.filter(({ name, version }) => aptPinnedName.test(name) && aptVersion.test(version))
  // A lock that lacks one of the names was made for another list.
  const suits = names.every((name) => pinned.some((pin) => pin.name === name))
  return packages.use(context, { allow }, async (access) => {
    const said: string[] = []
    const end = await runThrowaway(docker, context, {
      image,
      command: ['sh', '-c', script],
      input: `${names.join(' ')}\n${suits ? pinned.map(asArgument).join(' ') : ''}\n`,
      network: access,
      timeoutMs: 3 * 60_000,
      onLine: (line) => {
        said.push(line)
        context.log('docker', line)
      },
    })
    if (end.exitCode !== 0) throw aptFault(end.exitCode, said, access.refusals())
    return parseSimulation(end.lines)
  })
}

const asArgument = ({ name, version }: LockedApt) => `${name}=${version}`

/** `Inst name [old] (new origin… [arch])`, sorted by name. */
export function parseSimulation(lines: readonly string[]): LockedApt[] {
  const found = new Map<string, LockedApt>()
  for (const line of lines) {
    const [, name, version] = /^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /.exec(line) ?? []
    if (!name || !version) continue
    if (!aptPinnedName.test(name) || !aptVersion.test(version))
      throw new TaskError('apt-conflict', `apt names something that is no package: ${line.slice(0, 200)}`)
    found.set(name, { name, version })
  }
  if (found.size > maxPackages)
    throw new TaskError('apt-conflict', `more than ${maxPackages} Debian packages would be installed`)
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function aptFault(exitCode: number, said: readonly string[], refusals: string): TaskError {
  const faults = said.filter((line) => /^[EW]: /.test(line)).map((line) => line.slice(3))
  const why = faults.join('; ').slice(0, 1000) || said.slice(-3).join(' ').slice(0, 500)
  const text = [refusals, why].filter(Boolean).join('; ')
  if (exitCode === 91)
    return new TaskError('apt-unavailable', `the package sources of the base image can't be read: ${text}`)
  const missing = said.flatMap(
    (line) =>
      /Unable to locate package (\S+)|Package '(\S+)' has no installation candidate/.exec(line)?.slice(1) ??
      [],
  )
  const names = missing.filter(Boolean)
  if (names.length > 0)
    return new TaskError(
      'apt-missing',
      `the package sources of the base image have no ${names.join(', ')}: correct apt in fairway.yaml, or the list of Doodba's that names it (odoo/custom/dependencies)`,
    )
  return new TaskError('apt-conflict', `apt can't install what fairway.yaml asks for: ${text}`)
}
