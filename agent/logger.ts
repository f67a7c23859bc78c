import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

/** JSON lines on standard error; children carry host, run, task and epoch. `redact` sees each line before it is written. */
export function createLogger(level: string, redact?: (line: string) => string): Logger {
  const standardError = pino.destination({ dest: 2, sync: true })
  return pino(
    {
      level,
      base: undefined,
      redact: { paths: ['token', 'secret', 'password', 'authorization'], censor: '[redacted]' },
    },
    redact ? { write: (line: string) => void standardError.write(redact(line)) } : standardError,
  )
}
