import { jobs } from './jobs.ts'
import { serveReaders } from './serve-readers.ts'

serveReaders(jobs)
