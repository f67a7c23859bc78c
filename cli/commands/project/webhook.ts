import type { Client } from '@connectrpc/connect'
import { formatTime } from '../../../lib/words/times.ts'
import { ProjectService } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { confirmRotation } from '../../confirm-rotation.ts'
import { usageError } from '../../errors.ts'
import { counted, formatAge } from '../../format.ts'
import { type WebhookJson, webhookJson } from '../../json/webhook.ts'
import { addLimit, limitOf } from '../../limit-option.ts'
import { postReceiveLines } from '../../post-receive.ts'
import { onlyProject } from '../../resolve.ts'
import type { Session } from '../../session.ts'
import { verb } from '../../verb.ts'

type Act = (
  session: Session,
  client: Client<typeof ProjectService>,
  project: string,
  options: { readonly limit: number; readonly yes: boolean },
) => Promise<void>

export const command = verb<{ limit?: string; yes?: boolean }>({
  usage: 'webhook <show|rotate|deliveries> [project]',
  summary: 'Show where the git server delivers and what came, or make a new secret',
  asks: 'yes',
  details:
    'Deliveries that are refused are listed as well, some seconds later: those that were sent to the project’s own address, ' +
    'and those that name its repository.',
  examples: [
    ['fairway project webhook show acme', 'address, last delivery, and why others were refused'],
    ['fairway project webhook deliveries acme', 'what came, newest first'],
    [
      'fairway project webhook rotate acme',
      'a new secret, shown once; the old one is worth nothing from now on',
    ],
  ],
  configure: (command) => addLimit(command),
  async run(session, [action = '', name], options) {
    const act = acts[action]
    if (!act) throw usageError(`${JSON.stringify(action)} is none of show, rotate and deliveries.`)
    const limit = limitOf(options)
    const project = name ?? (await onlyProject(session))
    await act(session, await session.client(ProjectService), project, { limit, yes: options.yes === true })
    return undefined
  },
})

const acts: Readonly<Record<string, Act>> = { show, rotate, deliveries }

async function show({ out, signal }: Session, client: Client<typeof ProjectService>, project: string) {
  const webhook = webhookJson(await client.getProjectWebhook({ project, limit: 1 }, { signal }))
  if (out.json) return out.printJson(webhook)
  const [last] = webhook.deliveries
  out.fields([
    ['Project', project],
    ['Address', webhook.url],
    ['Of a hook', `${webhook.hookUrl} (post-receive of plain git)`],
    ['Secret', `shown once, when it was made; another one: fairway project webhook rotate ${project}`],
    ['Last', last ? `${last.event}, ${formatAge(last.receivedAt)}` : 'nothing has come yet'],
  ])
  printRefusals(out, webhook)
}

async function rotate(
  session: Session,
  client: Client<typeof ProjectService>,
  project: string,
  { yes }: { readonly yes: boolean },
) {
  const { out, signal } = session
  await confirmRotation(session, project, yes)
  const { webhookSecret } = await client.updateProject({ project, rotateWebhookSecret: true }, { signal })
  const { webhookUrl: url, hookUrl } = await client.getProjectWebhook({ project, limit: 1 }, { signal })
  if (out.json) return out.printJson({ project, url, hookUrl, secret: webhookSecret })
  out.line(`Address  ${url}`)
  out.line(`Secret   ${webhookSecret}`)
  out.line('Plain git, in a shell in the bare repository:')
  for (const text of postReceiveLines(hookUrl, webhookSecret)) out.verbatim(text)
  out.note('Give it to the git server: deliveries with the old one are refused from now on.')
}

async function deliveries(
  { out, signal }: Session,
  client: Client<typeof ProjectService>,
  project: string,
  { limit }: { readonly limit: number },
) {
  const webhook = webhookJson(await client.getProjectWebhook({ project, limit }, { signal }))
  if (out.json) return out.printJson(webhook)
  out.list<WebhookJson['deliveries'][number]>(
    webhook.deliveries,
    [
      { title: 'RECEIVED', value: (row) => formatTime(row.receivedAt), whole: true },
      { title: 'EVENT', value: (row) => row.event },
      { title: 'TAKEN AS', value: (row) => row.outcome },
      { title: 'DELIVERY', value: (row) => row.id, whole: true },
    ],
    `No delivery was believed yet. The address is ${webhook.url}; content type application/json, events: push.`,
  )
  printRefusals(out, webhook)
}

function printRefusals({ line, paint }: Session['out'], { refusals }: WebhookJson): void {
  for (const { count, lastRefusedAt, event, repository, explanation, reason } of refusals) {
    const what = [event, repository && `of ${repository}`].filter(Boolean).join(' ')
    line()
    line(
      paint(
        'red',
        `${counted(count, 'refusal')} (${reason}), the last one ${formatAge(lastRefusedAt)}: ${what}`,
      ),
    )
    line(`  ${explanation}`)
  }
}
