import { type Profiler, Session } from 'node:inspector'

/**
 * Counts how many blocks of JavaScript (bodies of functions, loops and branches, those of libraries included) run while
 * something is done, as V8 counts them for coverage: the same for the same work within a percent or two, on any machine and
 * under any load. Open it before the code that is counted is loaded. What the engine does by itself (regular expressions,
 * `indexOf`, `slice`) counts as nothing.
 */
export function openOperationCounter(): { count(work: () => void): number } & Disposable {
  const session = new Session()
  session.connect()
  const take = () => {
    const { result } = post<Profiler.TakePreciseCoverageReturnType>(session, 'Profiler.takePreciseCoverage')
    let operations = 0
    for (const { functions } of result)
      for (const { ranges } of functions) for (const { count } of ranges) operations += count
    return operations
  }
  post(session, 'Profiler.enable')
  post(session, 'Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  return {
    count(work) {
      take()
      work()
      return take()
    },
    [Symbol.dispose]: () => session.disconnect(),
  }
}

function post<T>(session: Session, method: string, parameters: object = {}): T {
  let answer: { error: Error | null; result: unknown } | undefined
  // Within one thread it answers before it returns.
  session.post(method, parameters, (error, result) => {
    answer = { error, result }
  })
  if (!answer) throw new Error(`the inspector does not answer ${method}`)
  if (answer.error) throw answer.error
  return answer.result as T
}
