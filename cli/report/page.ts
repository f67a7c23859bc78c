import { formatTime } from '../../lib/words/times.ts'
import { type Html, html } from './escape.ts'
import type { Origin, Report } from './report.ts'
import { style } from './style.ts'

/**
 * One HTML file that needs nothing beside it: no script, no font, no image, and a policy that forbids any. Everything
 * that is not ours is escaped. Made to be printed on A4 and filed.
 */
export function renderPage<Row>(report: Report<Row>, origin: Origin): string {
  const { title, about, alerts, rows, columns, checks } = report
  const span = `${formatTime(origin.from)} – ${formatTime(origin.to)}`
  const scope = origin.project ? `project ${origin.project}` : 'all projects'
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${origin.organization} · ${span}</title>
${style}
</head>
<body>
<header>
<p class="org">${origin.organization}</p>
<h1>${title}</h1>
<p class="span">${span} <span class="soft">· ${scope}</span></p>
<p class="about">${about}</p>
</header>
${alerts.map((alert) => html`<p class="alert"><b>Open:</b> ${alert}</p>\n`)}
<main>
${rows.length === 0 ? html`<p class="empty">Nothing of the kind happened in this span.</p>` : table(columns, rows)}
<p class="count">${rows.length === 1 ? '1 line' : `${rows.length} lines`}. Times are UTC.</p>
</main>
<section class="verify">
<h2>How to verify</h2>
<p>This page lists what ${origin.server} answered; it proves nothing by itself. The proof is in the signed statements
and in the audit log, which are checked without Fairway:</p>
<dl>
${checks.map(([command, does]) => html`<div><dt>${command}</dt><dd>${does}</dd></div>\n`)}
</dl>
</section>
<footer>Made ${formatTime(origin.madeAt)} by ${origin.madeBy} with <code>fairway report</code> at ${origin.server}.</footer>
</body>
</html>
`.text
}

/** Names, times and hashes of so many characters stay on one line; what is longer is text. */
const unbroken = 24

function table<Row>(all: Report<Row>['columns'], rows: readonly Row[]): Html {
  const columns = all.filter(({ title }) => title)
  const head = columns.map(
    ({ title = '', align = '' }) => html`<th scope="col" class="${align} short">${title}</th>`,
  )
  const body = rows.map((row) => {
    const cells = columns.map(({ short, value, align = '' }) => {
      const text = (short ?? value)(row)
      return html`<td class="${align} ${text.length <= unbroken ? 'short' : ''}">${text}</td>`
    })
    return html`<tr>${cells}</tr>\n`
  })
  return html`<table>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table>`
}
