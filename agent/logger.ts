import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

/** JSON lines on standard error; children carry host, run, task and epoch. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: undefined,
      redact: { paths: ['token', 'secret', 'password', 'authorization'], censor: '[redacted]' },
    },
    pino.destination({ dest: 2, sync: true }),
  )
}
