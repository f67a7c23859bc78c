import { existsSync } from 'node:fs'
import { run } from '../process.ts'

const timeoutMs = 30_000
/** Bridges of the networks that lead out; see egress.ts. */
export const egressPrefix = 'fwy-'

interface Rule {
  readonly program?: 'iptables' | 'ip6tables'
  readonly table: 'filter' | 'mangle'
  readonly match: readonly string[]
}

const comment = (text: string) => ['--match', 'comment', '--comment', `fairway: ${text}`]

/** New connections only: answers to the agent's own still pass. */
function rulesFor(range: string): Rule[] {
  const drop = (why: string) => [
    ...['--match', 'conntrack', '--ctstate', 'NEW'],
    ...comment(why),
    ...['--jump', 'DROP'],
  ]
  return [
    {
      table: 'filter',
      match: ['INPUT', '--source', range, ...drop('environments do not reach the host')],
    },
    {
      table: 'mangle',
      match: [
        ...['FORWARD', '!', '--source', range, '--destination', range],
        ...drop('nothing is routed to environments'),
      ],
    },
    {
      // A cloud's metadata service hands out the host's own credentials to whoever asks from it.
      table: 'mangle',
      match: [
        ...['FORWARD', '--in-interface', `${egressPrefix}+`, '--destination', '169.254.0.0/16'],
        ...drop(`production does not ask for the host's credentials (${range})`),
      ],
    },
  ]
}

const command = (verb: string, { table, match }: Rule) => [
  ...['--wait', '10', '--table', table],
  ...[verb, ...match],
]

async function isSet(rule: Rule): Promise<boolean> {
  const { exitCode } = await iptables('--check', rule, [0, 1])
  return exitCode === 0
}

const iptables = (verb: string, rule: Rule, okExitCodes = [0]) =>
  run(rule.program ?? 'iptables', command(verb, rule), { okExitCodes, timeoutMs })

/**
 * Docker keeps the networks of environments apart from each other, but not from the host: at a bridge's own address a
 * container reaches what the host listens on, the proxy's published port and so production included. This closes
 * that way. It also keeps them apart in the moment in which Docker takes its own rules out and puts them in again, as it
 * does with each network it makes: then whoever has a way out (production) reached everybody. Docker leaves the mangle
 * table alone, so ours comes first. Idempotent. Rejects when the host has no iptables, which Docker needs as well.
 */
export async function closeHostTo(range: string): Promise<void> {
  await addAll(rulesFor(range))
}

/** Takes the rules back, when an agent is removed from its host. Idempotent. */
export async function reopenHostTo(range: string): Promise<void> {
  for (const rule of rulesFor(range)) if (await isSet(rule)) await iptables('--delete', rule)
}

/** What a container on a bridge of builds may reach: a TCP port at the bridge's own address. */
export interface Door {
  readonly bridge: string
  readonly address: string
  readonly port: number
}

/**
 * Leaves whoever is on a bridge of builds nothing but doors that are opened afterwards: not the host, nor others on the
 * bridge, nor what the host routes to, by IPv6 neither. By the bridge and not by the sender's address, which root in a
 * container can choose. Doors of before stay open. Idempotent.
 */
export async function closeBridge(bridge: string): Promise<void> {
  await addAll(closedRules(bridge))
}

/** Before all rules that drop, those of `closeHostTo` as well. */
export async function openDoor(door: Door): Promise<void> {
  await iptables('--insert', doorRule(door))
}

/** One that somebody else took away is closed. */
export async function closeDoor(door: Door): Promise<void> {
  const rule = doorRule(door)
  if (await isSet(rule)) await iptables('--delete', rule)
}

/** Closes the doors that a killed agent left. Idempotent. */
export async function closeDoors(bridge: string): Promise<void> {
  const listing = ['--wait', '10', '--table', 'filter', '--list-rules', 'INPUT']
  const { stdout } = await run('iptables', listing, { timeoutMs, keepBytes: 1024 ** 2 })
  for (const line of stdout.split('\n')) {
    const [verb, ...match] = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, '$1'))
    const at = match.indexOf('-i')
    if (verb === '-A' && match[at + 1] === bridge && match.includes('ACCEPT'))
      await iptables('--delete', { table: 'filter', match })
  }
}

/** Takes back all rules about a bridge of builds. Idempotent. */
export async function forgetBridge(bridge: string): Promise<void> {
  await closeDoors(bridge)
  for (const rule of closedRules(bridge)) while (await isSet(rule)) await iptables('--delete', rule)
}

function doorRule({ bridge, address, port }: Door): Rule {
  return {
    table: 'filter',
    match: [
      ...['INPUT', '--in-interface', bridge, '--destination', `${address}/32`],
      ...['--protocol', 'tcp', '--match', 'tcp', '--dport', String(port)],
      ...comment('builds reach the gateway'),
      ...['--jump', 'ACCEPT'],
    ],
  }
}

function closedRules(bridge: string): Rule[] {
  const drop = [...comment('builds reach the gateway and nothing else'), '--jump', 'DROP']
  const programs: Rule['program'][] = existsSync('/proc/sys/net/ipv6')
    ? ['iptables', 'ip6tables']
    : ['iptables']
  return programs.flatMap((program): Rule[] => [
    { program, table: 'filter', match: ['INPUT', '--in-interface', bridge, ...drop] },
    { program, table: 'mangle', match: ['FORWARD', '--in-interface', bridge, ...drop] },
    { program, table: 'mangle', match: ['FORWARD', '--out-interface', bridge, ...drop] },
  ])
}

async function addAll(rules: readonly Rule[]): Promise<void> {
  for (const rule of rules) if (!(await isSet(rule))) await iptables('--insert', rule)
}
