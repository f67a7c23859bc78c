import { type HostileText, readersIn } from '../../lib/hostile-text/hostile-text.ts'
import type { jobs } from './jobs.ts'

/** The bundle has it beside itself: see packaging/bundle.ts. */
const workerFile = import.meta.url.endsWith('.ts') ? './worker.ts' : './hostile-answers-worker.mjs'

/** What Odoo answers, shared by the tasks of this agent; what repositories hold has readers of its own, in `lib/hostile-text`. */
export const hostileAnswers: HostileText<typeof jobs> = readersIn(new URL(workerFile, import.meta.url))
