/** How a fetch ended that failed, by what git and ssh themselves said. */
export type FetchEnding =
  | { readonly kind: 'ref-missing' }
  | { readonly kind: 'commit-missing' }
  | { readonly kind: 'unclean' }
  | { readonly kind: 'host-key' }
  /** The server's answer to a request over http, where it was none of success. */
  | { readonly kind: 'status'; readonly status: number; readonly said: string }
  /** Whoever asks is not let in, or there is no such repository: servers tell these alike. */
  | { readonly kind: 'denied'; readonly said: string }
  /** `began`: objects were coming, so the repository is there and may be read. */
  | { readonly kind: 'broken'; readonly began: boolean; readonly said: string }

/** Counters of both sides; `remote:` stands before the other one's. */
const progress =
  /^(remote: )?(Enumerating|Counting|Compressing|Receiving|Resolving|Unpacking|Total|Filtering)\b.*\d/
const own = /^(fatal|error): /
const httpStatus = /\b(?:The requested URL returned error: |RPC failed; HTTP )(\d{3})(?!\d)/
const refused =
  /^fatal: (Authentication failed for|could not read (Username|Password) for|repository '\S*' not found|'[^']*' does not appear to be a git repository)/i
/** The server's words, as its protocol hands them on. They may also say that it is too busy. */
const refusedRemotely =
  /^fatal: remote error:.*(access denied|not exported|not found|not authorized|unauthorized|permission|does not exist)/i
const refusedKey = /: Permission denied \(|Too many authentication failures/
/** The connection of ssh, and not what is at its other end. */
const sshTrouble =
  /^(ssh(_\w+)?|kex_exchange_identification|banner exchange|client_loop|packet_write_wait)\b.*:|^(Connection (to \S+ (port \d+ )?)?(closed|reset|timed out)|Timeout, server|Received disconnect|Disconnected from|Unable to negotiate|Bad packet length)|^Read from socket failed/

/**
 * Reads git's standard error by the statuses of http and by what its own protocols say. Counters, what a server prints,
 * and names and addresses may hold any number or word: none of them decides.
 */
export function fetchEnding(stderr: string): FetchEnding {
  const all = stderr
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter(Boolean)
  const began = all.some((line) => progress.test(line))
  const lines = all.filter((line) => !progress.test(line) && !line.startsWith('remote: '))
  const gits = lines.filter((line) => own.test(line))
  const says = (pattern: RegExp) => gits.some((line) => pattern.test(line))
  const broken = (line: string | undefined): FetchEnding => ({ kind: 'broken', began, said: plain(line) })

  if (says(/couldn't find remote ref /i)) return { kind: 'ref-missing' }
  if (says(/\bnot our ref |unadvertised object |bad object /i)) return { kind: 'commit-missing' }
  const answered = gits.find((line) => httpStatus.test(line))
  if (answered)
    return { kind: 'status', status: Number(httpStatus.exec(answered)?.[1]), said: plain(answered) }
  const denied = gits.find((line) => refused.test(line) || refusedRemotely.test(line))
  if (denied) return { kind: 'denied', said: plain(denied) }
  if (says(/\bfsck error\b/)) return { kind: 'unclean' }
  if (lines.includes('Host key verification failed.')) return { kind: 'host-key' }
  const key = lines.find((line) => refusedKey.test(line))
  if (key) return { kind: 'denied', said: plain(key) }
  const trouble = lines.find((line) => sshTrouble.test(line))
  if (trouble) return broken(trouble)
  // Ssh came through, and what it found there ended before it sent anything: services say why in words of their own.
  const closed = !began && gits.length === 1 && says(/^fatal: Could not read from remote repository\.$/)
  if (closed) return { kind: 'denied', said: plain(wordsOfService(all) ?? gits[0]) }
  return broken(gits[0] ?? lines.at(-1))
}

/** What stands among rulers and empty lines, as some services write it. */
const wordsOfService = (lines: readonly string[]) =>
  lines
    .map((line) => line.replace(/^remote: ?/, ''))
    .find(
      (line) => /[A-Za-z]{3}/.test(line) && !own.test(line) && !/^Please make sure|^and the repo/.test(line),
    )

const plain = (line = '') => line.replace(own, '').slice(0, 500)
