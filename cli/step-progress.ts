import { formatDuration } from '../lib/words/durations.ts'
import type { StepJson } from './json/build.ts'
import type { Output } from './output.ts'
import { type Paint, paintWord } from './style.ts'
import { cut, oneLine } from './table.ts'
import { wrapWords } from './wrap-words.ts'

/** A build or another run, as far as its progress is about. */
interface Stepped {
  readonly steps: readonly StepJson[]
}

export interface Progress<Run extends Stepped> {
  show(run: Run): void
  /** A line of its own, for people; what is drawn stays below it. */
  note(text: string): void
  /** Leaves the last state on the screen. */
  end(): void
}

/** Says in one line which run it is and where it stands. */
export type Headline<Run> = (paint: Paint, run: Run) => string

const frameMs = 200

/** Live on a terminal, a line for each change elsewhere, nothing with --json. */
export function createProgress<Run extends Stepped>(
  out: Output,
  headline: Headline<Run>,
  write = (text: string) => void process.stdout.write(text),
): Progress<Run> {
  if (out.json) return { show: () => undefined, note: () => undefined, end: () => undefined }
  return out.isTerminal ? liveProgress(out, headline, write) : lineProgress(out, headline)
}

const marks: Record<string, string> = {
  queued: '·',
  running: '●',
  succeeded: '✓',
  failed: '✗',
  'timed-out': '✗',
  cancelled: '–',
  superseded: '–',
}

function liveProgress<Run extends Stepped>(
  out: Output,
  headline: Headline<Run>,
  write: (text: string) => void,
): Progress<Run> {
  let run: Run | undefined
  let drawn = 0
  // Up over what was drawn, and clear to the end of the screen.
  const erased = () => (drawn > 0 ? `\x1b[${drawn}A\x1b[J` : '')
  const draw = (line = stepLine) => {
    if (!run) return
    const lines = [fitting(out, headline, run), ...run.steps.map((step) => line(out, step))]
    write(`${erased()}${lines.join('\n')}\n`)
    drawn = lines.length
  }
  const timer = setInterval(() => draw(), frameMs)
  return {
    show(next) {
      run = next
      draw()
    },
    note(text) {
      write(erased())
      drawn = 0
      out.note(text)
      draw()
    },
    end() {
      clearInterval(timer)
      draw(lastLine)
    },
  }
}

/** On one line of the terminal, or what was drawn could not be found again. */
function fitting<Run>({ paint, width }: Output, headline: Headline<Run>, run: Run): string {
  const plain = headline((_, text) => text, run)
  return plain.length <= width ? headline(paint, run) : cut(plain, width)
}

const summaryAt = 27

function stepLine({ paint, width }: Output, step: StepJson): string {
  return stepText(paint, step, [cut(summaryOf(step), Math.max(0, width - summaryAt - 1))])
}

/** Nothing is drawn over it any more, so that it is whole; why a step failed is said in full below. */
function lastLine(out: Output, step: StepJson): string {
  if (marks[step.status] === marks.failed) return stepLine(out, step)
  return stepText(out.paint, step, wrapWords(summaryOf(step), out.width - summaryAt))
}

function stepText(paint: Paint, step: StepJson, summary: readonly string[]): string {
  const mark = paintWord(paint, step.status).replace(step.status, marks[step.status] ?? '?')
  const time = step.startedAt ? formatDuration(elapsedOf(step)) : ''
  const texts = summary.map((line) => paint('dim', line)).join(`\n${' '.repeat(summaryAt)}`)
  return `  ${mark} ${step.name.padEnd(10)} ${time.padStart(10)}  ${texts}`.trimEnd()
}

const summaryOf = ({ summary }: StepJson): string => oneLine(summary ?? '')

/** Of a step under way the server's figure is as old as the message. */
const elapsedOf = (step: StepJson): number =>
  step.status === 'running' && step.startedAt
    ? Math.max(0, Date.now() - Date.parse(step.startedAt))
    : step.durationMs

function lineProgress<Run extends Stepped>(out: Output, headline: Headline<Run>): Progress<Run> {
  const seen = new Map<string, string>()
  const changed = (key: string, value: string) => {
    if (seen.get(key) === value) return false
    seen.set(key, value)
    return true
  }
  return {
    show(run) {
      const head = headline(out.paint, run)
      for (const step of run.steps) {
        const state = step.status === 'running' ? `running: ${step.summary ?? ''}` : step.status
        if (step.status === 'queued' || !changed(step.name, state)) continue
        const time = step.status === 'running' ? '' : ` ${formatDuration(step.durationMs)}`
        const summary = step.summary ? `  ${oneLine(step.summary)}` : ''
        out.line(`${step.name} ${step.status}${time}${summary}`)
      }
      if (changed('', head)) out.line(head)
    },
    note: (text) => out.note(text),
    end: () => undefined,
  }
}
