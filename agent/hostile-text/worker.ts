import { serveReaders } from '../../lib/hostile-text/serve-readers.ts'
import { jobs } from './jobs.ts'

serveReaders(jobs)
