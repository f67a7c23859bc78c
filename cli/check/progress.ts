import type { Output } from '../output.ts'

/** Says what is being done, to people who wait for more than a second. */
export interface CheckProgress extends Disposable {
  begin(what: string): void
}

const quietMs = 1_000

export function createProgress(out: Pick<Output, 'json' | 'note'>): CheckProgress {
  if (out.json) return { begin: () => undefined, [Symbol.dispose]: () => undefined }
  let doing = ''
  let isLate = false
  const tell = () => {
    isLate = true
    if (doing !== '') out.note(`${doing} …`)
  }
  const timer = setTimeout(tell, quietMs)
  timer.unref()
  return {
    begin(what) {
      doing = what
      if (isLate) tell()
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
