import { type HttpAnswer, requestHttp } from '../containers/http-request.ts'
import { hostileAnswers } from '../hostile-text/hostile-answers.ts'
import { checkOwnModules, loadBundles, maxBytes, type Visitor } from './bundle-checks.ts'
import { isBundle, saysStyleFailed } from './bundle-faults.ts'
import { CheckFailed } from './check-failed.ts'
import type { OwnAddons } from './describe-place.ts'

export interface CheckResult {
  name: string
  passed: boolean
  detail: string
  durationMs: number
  /** What a success leaves to be looked at. */
  warnings: string[]
}

/** A success. */
export interface Passed {
  detail: string
  warnings: string[]
  /** By performance.now(), where it was known before what else it waited for had ended. */
  knownAt?: number
}

/** Runs a check; what it returns is a success, or the detail of one. */
export async function runCheck(
  name: string,
  signal: AbortSignal,
  check: () => Promise<string | Passed>,
): Promise<CheckResult> {
  const begun = performance.now()
  const done = (passed: boolean, detail: string, warnings: string[] = [], endedAt = performance.now()) => ({
    name,
    passed,
    detail: detail.slice(0, 1_500),
    durationMs: Math.max(0, Math.round(endedAt - begun)),
    warnings,
  })
  try {
    const outcome = await check()
    if (typeof outcome === 'string') return done(true, outcome)
    return done(true, outcome.detail, outcome.warnings, outcome.knownAt)
  } catch (error) {
    signal.throwIfAborted()
    return done(false, error instanceof Error ? error.message : String(error))
  }
}

/** The first visitor waits for the bundles to be made. */
const timeoutMs = 60_000
/** Odoo's own page links fewer than ten; each is fetched. */
const maxAssets = 500

export function createVisitor(
  origin: string,
  host: string,
  ownAddons: OwnAddons,
  signal: AbortSignal,
): Visitor {
  const headers = { 'x-forwarded-host': host, 'x-forwarded-proto': 'http', 'x-forwarded-for': '127.0.0.1' }
  const options = { host, headers, signal, timeoutMs, maxBytes }
  return {
    ownAddons,
    get: (path) => requestHttp(origin + path, options),
    post: (path, json) =>
      requestHttp(origin + path, {
        ...options,
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(json),
      }),
  }
}

export async function checkHealth(visitor: Visitor): Promise<string> {
  requireStatus(await visitor.get('/web/health?db_server_status=1'), 200)
  return 'server and database answer'
}

/** The login page and everything it links from this server. */
export async function checkLoginPage(visitor: Visitor): Promise<string> {
  const page = await followRedirects(visitor, '/web/login')
  requireStatus(page, 200)
  const assets = await hostileAnswers.read('assets', '/web/login', [page.body])
  if (assets.length > maxAssets) throw new CheckFailed(`the login page links more than ${maxAssets} files`)
  if (assets.length === 0) throw new CheckFailed('the login page links no style sheet and no script')
  const bodies = await loadBundles(visitor, assets)
  await checkOwnModules(visitor, bodies)
  requireStyle(page)
  return `${assets.length} style sheets and scripts load`
}

async function followRedirects(visitor: Visitor, path: string): Promise<HttpAnswer> {
  let answer = await visitor.get(path)
  for (let step = 0; step < 3 && answer.status >= 300 && answer.status < 400; step++) {
    const target = URL.parse(answer.headers.location ?? '', 'http://runtime/')
    if (!target) throw new CheckFailed(`${path} redirects to nowhere`)
    answer = await visitor.get(target.pathname + target.search)
  }
  return answer
}

/** Odoo answers a call that goes through the registry of its database. */
export async function checkRegistry(visitor: Visitor): Promise<string> {
  const answer = await visitor.post('/web/webclient/version_info', {
    jsonrpc: '2.0',
    method: 'call',
    params: {},
  })
  requireStatus(answer, 200)
  const body = JSON.parse(answer.body) as {
    result?: { server_version?: string }
    error?: { message?: string }
  }
  const version = body.result?.server_version
  if (!version) throw new CheckFailed(`no version but: ${body.error?.message ?? answer.body.slice(0, 200)}`)
  return `Odoo ${version}`
}

/** A check of the project's own. */
export async function checkPath(
  visitor: Visitor,
  { path, status, contains }: { path: string; status: number; contains: string },
): Promise<string> {
  const answer = await visitor.get(path)
  requireStatus(answer, status || 200)
  await checkStyle(visitor, path, answer)
  if (contains && !(await hostileAnswers.read('holds', path, [answer.body, contains])))
    throw new CheckFailed(
      `answers ${answer.status}, but without the text ${JSON.stringify(contains.slice(0, 100))}`,
    )
  return `answers ${answer.status}`
}

/** What a page of Odoo's links of its bundles; other files are the page's own affair. */
async function checkStyle(visitor: Visitor, path: string, page: HttpAnswer): Promise<void> {
  if (!page.headers['content-type']?.startsWith('text/html')) return
  const assets = (await hostileAnswers.read('assets', path, [page.body])).filter(isBundle)
  await loadBundles(visitor, assets.slice(0, maxAssets))
  requireStyle(page)
}

function requireStyle(page: HttpAnswer): void {
  if (saysStyleFailed(page.body))
    throw new CheckFailed('the page says that its style sheet could not be compiled: see the runtime’s log')
}

function requireStatus(answer: HttpAnswer, status: number): void {
  if (answer.status === status) return
  const title = /<title>([^<]*)<\/title>/i.exec(answer.body)?.[1]?.trim()
  throw new CheckFailed(`answers ${answer.status} instead of ${status}${title ? ` (${title})` : ''}`)
}
