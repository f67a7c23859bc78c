import { Html } from './escape.ts'

/** For the screen and for A4 across: heads are repeated on each sheet, and no line is torn. */
export const style = new Html(`<style>
:root { color-scheme: light; --ink: #1a1d21; --soft: #5b636e; --rule: #d5d9de; --alert: #a61b1b; }
* { box-sizing: border-box; }
body { margin: 2.5rem auto; max-width: 80rem; padding: 0 1.5rem; color: var(--ink); background: #fff;
  font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
header { border-bottom: 2px solid var(--ink); margin-bottom: 1.25rem; padding-bottom: .75rem; }
p { margin: .25rem 0; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1rem; margin: 0 0 .35rem; }
.org { color: var(--soft); font-weight: 600; }
.span { font-size: 1.05rem; }
.soft, .about, .count, footer, dd { color: var(--soft); }
.about { max-width: 50rem; }
.alert { border-left: 4px solid var(--alert); color: var(--alert); margin: .75rem 0; padding: .3rem .8rem; }
.empty { padding: 2rem 0; font-size: 1.1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; padding: .4rem .9rem .4rem 0;
  text-align: left; unicode-bidi: isolate; vertical-align: top; }
th { border-bottom: 1px solid var(--ink); color: var(--soft); font-size: .8rem; overflow-wrap: normal; }
.right { text-align: right; }
.short { white-space: nowrap; }
.count { margin-top: .6rem; }
.verify { border-top: 1px solid var(--rule); margin-top: 1.75rem; padding-top: .9rem; max-width: 60rem; }
dl { margin: .6rem 0 0; }
dl div { break-inside: avoid; margin-bottom: .45rem; }
dt, code { font: .9em/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
dd { margin: 0 0 0 1.25rem; }
footer { border-top: 1px solid var(--rule); font-size: .85rem; margin-top: 1.75rem; padding-top: .6rem; }
@page { size: A4 landscape; margin: 14mm 14mm 16mm;
  @bottom-right { content: "Page " counter(page) " of " counter(pages); font: 8pt sans-serif; color: #5b636e; } }
@media print {
  body { font-size: 9pt; margin: 0; max-width: none; padding: 0; }
  h1 { font-size: 18pt; }
  thead { display: table-header-group; }
  tr, .alert, header, .verify { break-inside: avoid; }
  th, td { padding: 1.4mm 3mm 1.4mm 0; }
}
</style>`)
