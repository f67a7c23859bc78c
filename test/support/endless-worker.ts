import { serveJobs } from '../../lib/threads/serve-jobs.ts'

/** Jobs that no limit but a thread's own would end. */
export const jobs = {
  spin(): never {
    for (;;);
  },
  fill(): never {
    const kept: number[][] = []
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, index) => index))
  },
  fall(): never {
    throw new TypeError('fallen')
  },
  echo: (text: string): string => text,
}

serveJobs(jobs, (error) => (error instanceof Error ? error.name : 'other'))
