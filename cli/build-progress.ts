import { formatDuration } from './format.ts'
import type { BuildDetailJson, StepJson } from './json/build.ts'
import type { Output } from './output.ts'
import { type Paint, paintWord } from './style.ts'
import { cut, oneLine } from './table.ts'

export interface Progress {
  show(build: BuildDetailJson): void
  /** Leaves the last state on the screen. */
  end(): void
}

const frameMs = 200

/** Live on a terminal, a line for each change elsewhere, nothing with --json. */
export function createProgress(
  out: Output,
  write = (text: string) => void process.stdout.write(text),
): Progress {
  if (out.json) return { show: () => undefined, end: () => undefined }
  return out.isTerminal ? liveProgress(out, write) : lineProgress(out)
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

function liveProgress(out: Output, write: (text: string) => void): Progress {
  let build: BuildDetailJson | undefined
  let drawn = 0
  const draw = () => {
    if (!build) return
    const lines = [fittingHeadline(out, build), ...build.steps.map((step) => stepLine(out, step))]
    // Up over what was drawn, clear to the end of the screen, draw anew.
    write(`${drawn > 0 ? `\x1b[${drawn}A\x1b[J` : ''}${lines.join('\n')}\n`)
    drawn = lines.length
  }
  const timer = setInterval(draw, frameMs)
  return {
    show(next) {
      build = next
      draw()
    },
    end() {
      clearInterval(timer)
      draw()
    },
  }
}

/** On one line of the terminal, or what was drawn could not be found again. */
function fittingHeadline({ paint, width }: Output, build: BuildDetailJson): string {
  const plain = headline((_, text) => text, build)
  return plain.length <= width ? headline(paint, build) : cut(plain, width)
}

export function headline(paint: Paint, build: BuildDetailJson): string {
  const status = paintWord(paint, build.result ?? build.status)
  const why = build.reason ? `: ${oneLine(build.reason)}` : ''
  const commit = build.commit ? ` ${build.commit.slice(0, 10)}` : ''
  return `${paint('bold', `${build.project}/${build.number}`)} ${build.branch}${commit} → ${build.stage} ${status}${why}`
}

function stepLine({ paint, width }: Output, step: StepJson): string {
  const mark = paintWord(paint, step.status).replace(step.status, marks[step.status] ?? '?')
  const time = step.startedAt ? formatDuration(elapsedOf(step)) : ''
  const summary = cut(oneLine(step.summary ?? ''), Math.max(0, width - 26))
  return `  ${mark} ${step.name.padEnd(10)} ${time.padStart(8)}  ${paint('dim', summary)}`.trimEnd()
}

/** Of a step under way the server's figure is as old as the message. */
const elapsedOf = (step: StepJson): number =>
  step.status === 'running' && step.startedAt
    ? Math.max(0, Date.now() - Date.parse(step.startedAt))
    : step.durationMs

function lineProgress(out: Output): Progress {
  const seen = new Map<string, string>()
  const changed = (key: string, value: string) => {
    if (seen.get(key) === value) return false
    seen.set(key, value)
    return true
  }
  return {
    show(build) {
      const head = headline(out.paint, build)
      for (const step of build.steps) {
        const state = step.status === 'running' ? `running: ${step.summary ?? ''}` : step.status
        if (step.status === 'queued' || !changed(step.name, state)) continue
        const time = step.status === 'running' ? '' : ` ${formatDuration(step.durationMs)}`
        const summary = step.summary ? `  ${oneLine(step.summary)}` : ''
        out.line(`${step.name} ${step.status}${time}${summary}`)
      }
      if (changed('', head)) out.line(head)
    },
    end: () => undefined,
  }
}
