import { describe, expect, test } from 'vitest'
import { ProcessError } from '../process.ts'
import { explainFetch } from './explain-fetch.ts'

// Words of git 2.39 and 2.47, OpenSSH 9 and of services, as they come.

const url = 'https://git.example/acme/404-shop.git'
const ssh = 'git@git.example:acme/shop.git'
const counted =
  'remote: Enumerating objects: 1007, done.\nremote: Counting objects:  40% (403/1007)\rremote: Counting objects: 100% (1007/1007), done.\nReceiving objects:  39% (401/1007)\rReceiving objects:  40% (403/1007), 404.00 KiB | 401 KiB/s\r'
const unread =
  'fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n'

const explain = (stderr: string, address = url, wasPrivate = false) =>
  explainFetch(
    new ProcessError('git', 'failed', { exitCode: 128, stderr }),
    address,
    { commit: '404'.padEnd(40, '1'), branch: '401' },
    { wasPrivate },
  )

describe('network trouble is none of access', () => {
  test.each([
    `${counted}error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output\n`,
    `${counted}error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly: CANCEL (err 8)\nerror: 404 bytes of body are still expected\nfatal: early EOF\n`,
    `${counted}fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF\n`,
    `fatal: unable to access '${url}/': Could not resolve host: git.example\n`,
    `fatal: unable to access '${url}/': GnuTLS recv error (-54): Error in the pull function.\n`,
    `fatal: unable to access '${url}/': server certificate verification failed. CAfile: none CRLfile: none\n`,
    `fatal: unable to access '${url}/': Operation too slow. Less than 1000 bytes/sec transferred the last 60 seconds\n`,
    `fatal: unable to access '${url}/': The requested URL returned error: 503\n`,
    `fatal: unable to access '${url}/': The requested URL returned error: 429\n`,
    `error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\nfatal: expected flush after ref listing\n`,
    `remote: permission denied, 401, repository not found\nfatal: unable to access '${url}/': Empty reply from server\n`,
    'fatal: remote error: GitLab is currently unable to handle this request due to load.\n',
  ])('over http: %s', (stderr) => {
    expect(explain(stderr)).toMatchObject({
      reason: 'repository-unreachable',
      message: expect.not.stringMatching(/credential|\d%/),
    })
  })

  test.each([
    `kex_exchange_identification: Connection closed by remote host\nConnection closed by 127.0.0.1 port 40321\n${unread}`,
    `kex_exchange_identification: read: Connection reset by peer\n${unread}`,
    `ssh_dispatch_run_fatal: Connection to 127.0.0.1 port 40411: message authentication code incorrect\n${unread}`,
    `Connection closed by 127.0.0.1 port 40322\n${unread}`,
    `${counted}client_loop: send disconnect: Broken pipe\nfatal: early EOF\n`,
    `${counted}Connection to 127.0.0.1 closed by remote host.\n${unread}`,
  ])('over ssh: %s', (stderr) => {
    expect(explain(stderr, ssh)).toMatchObject({ reason: 'repository-unreachable' })
  })

  test('what broke off was a git server, private or not', () => {
    const stderr = `${counted}fatal: early EOF\n`
    expect(explain(stderr, url, true)).toMatchObject({
      reason: 'repository-unreachable',
      message: expect.stringContaining('broke off while it was fetched: early EOF'),
    })
    const reset = `fatal: unable to access '${url}/': Recv failure: Connection reset by peer\n`
    expect(explain(reset, url, true)).toMatchObject({ reason: 'repository-not-allowed' })
  })
})

describe('refused access', () => {
  test.each([
    `error: unable to read askpass response from '/bin/false'\nfatal: could not read Username for 'https://git.example': terminal prompts disabled\n`,
    `remote: Invalid username or password.\nfatal: Authentication failed for '${url}/'\n`,
    `remote: Repository not found.\nfatal: repository '${url}/' not found\n`,
    `fatal: unable to access '${url}/': The requested URL returned error: 403\n`,
    `${counted}error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403\nfatal: early EOF\n`,
    'fatal: remote error: access denied or repository not exported: /acme/shop\n',
  ])('over http: %s', (stderr) => {
    expect(explain(stderr)).toMatchObject({
      reason: 'repository-denied',
      message: expect.stringContaining('fairway credential set PROJECT git git.example'),
    })
  })

  test.each([
    [`git@git.example: Permission denied (publickey).\n${unread}`, 'Permission denied (publickey)'],
    [`ERROR: Repository not found.\n${unread}`, 'ERROR: Repository not found.'],
    [
      `remote: \nremote: ========================================\nremote: \nremote: The project you were looking for could not be found or you don't have permission to view it.\nremote: \n${unread}`,
      'The project you were looking for',
    ],
    [
      `fatal: '/acme/shop' does not appear to be a git repository\n${unread}`,
      'does not appear to be a git repository',
    ],
    [`Unauthorized\n${unread}`, 'Unauthorized'],
  ])('over ssh: %s', (stderr, said) => {
    expect(explain(stderr, ssh)).toMatchObject({
      reason: 'repository-denied',
      message: expect.stringContaining(said),
    })
  })
})

test.each([
  ['Host key verification failed.\n', 'repository-host-key', ssh],
  [`fatal: unable to access '${url}/': The requested URL returned error: 302\n`, 'repository-moved', url],
  ["fatal: couldn't find remote ref refs/heads/401\n", 'branch-missing', url],
  ['fatal: remote error: upload-pack: not our ref 404404\n', 'commit-missing', url],
  ["remote: couldn't find remote ref x\nfatal: early EOF\n", 'repository-unreachable', url],
  ['error: object 401404: badTree: broken\nfatal: fsck error in packed object\n', 'repository-invalid', url],
])('%s', (stderr, reason, address) => {
  expect(explain(stderr, address).reason).toBe(reason)
})
