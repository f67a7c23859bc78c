import { formatAge } from './format.ts'
import type { NoticeJson } from './json/login-notice.ts'
import type { Output } from './output.ts'
import { oneLine } from './table.ts'

/** What others did about the member's access, for the member to object to. */
export function printNotices(out: Output, notices: readonly NoticeJson[]): void {
  for (const notice of notices) out.note(out.paint('yellow', sentenceOf(notice)))
}

function sentenceOf({ kind, by, at, usedAt }: NoticeJson): string {
  const who = by.map(oneLine).join(' and ')
  const age = formatAge(at)
  if (kind === 'recovery-requested') return `${who} asked for a recovery of your access, ${age}.`
  const used = usedAt ? `somebody logged in with it ${formatAge(usedAt)}` : 'nobody logged in with it'
  return `A new login code for you went through ${who}’s hands, ${age}; ${used}.`
}

/** In a word, for lists. */
export const noticeWord = ([latest]: readonly NoticeJson[]): string =>
  latest ? `${latest.kind} ${formatAge(latest.at)}` : ''
