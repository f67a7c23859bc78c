import { run } from '../process.ts'

const timeoutMs = 30_000

/** The rule that keeps environments from the host itself; answers to the agent's own connections still pass. */
const ruleFor = (range: string) => [
  ...['INPUT', '--source', range],
  ...['--match', 'conntrack', '--ctstate', 'NEW'],
  ...['--match', 'comment', '--comment', 'fairway: environments do not reach the host'],
  ...['--jump', 'DROP'],
]

async function isClosed(range: string): Promise<boolean> {
  const args = ['--wait', '10', '--check', ...ruleFor(range)]
  const { exitCode } = await run('iptables', args, { okExitCodes: [0, 1], timeoutMs })
  return exitCode === 0
}

/**
 * Docker keeps the networks of environments apart from each other, but not from the host: at a bridge's own address a
 * container reaches what the host listens on, the proxy's published port and so production included. This closes
 * that way. Idempotent. Rejects when the host has no iptables, which Docker needs as well.
 */
export async function closeHostTo(range: string): Promise<void> {
  if (!(await isClosed(range)))
    await run('iptables', ['--wait', '10', '--insert', ...ruleFor(range)], { timeoutMs })
}

/** Takes the rule back, when an agent is removed from its host. Idempotent. */
export async function reopenHostTo(range: string): Promise<void> {
  if (await isClosed(range))
    await run('iptables', ['--wait', '10', '--delete', ...ruleFor(range)], { timeoutMs })
}
