import { run } from '../process.ts'

const timeoutMs = 30_000
/** Bridges of the networks that lead out; see egress.ts. */
export const egressPrefix = 'fwy-'

interface Rule {
  readonly table: 'filter' | 'mangle'
  readonly match: readonly string[]
}

/** New connections only: answers to the agent's own still pass. */
function rulesFor(range: string): Rule[] {
  const drop = (why: string) => [
    ...['--match', 'conntrack', '--ctstate', 'NEW'],
    ...['--match', 'comment', '--comment', `fairway: ${why}`],
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
  const { exitCode } = await run('iptables', command('--check', rule), { okExitCodes: [0, 1], timeoutMs })
  return exitCode === 0
}

/**
 * Docker keeps the networks of environments apart from each other, but not from the host: at a bridge's own address a
 * container reaches what the host listens on, the proxy's published port and so production included. This closes
 * that way. It also keeps them apart in the moment in which Docker takes its own rules out and puts them in again, as it
 * does with each network it makes: then whoever has a way out (production) reached everybody. Docker leaves the mangle
 * table alone, so ours comes first. Idempotent. Rejects when the host has no iptables, which Docker needs as well.
 */
export async function closeHostTo(range: string): Promise<void> {
  for (const rule of rulesFor(range))
    if (!(await isSet(rule))) await run('iptables', command('--insert', rule), { timeoutMs })
}

/** Takes the rules back, when an agent is removed from its host. Idempotent. */
export async function reopenHostTo(range: string): Promise<void> {
  for (const rule of rulesFor(range))
    if (await isSet(rule)) await run('iptables', command('--delete', rule), { timeoutMs })
}
