import { createFileDriver } from './file-driver.ts'

/** Any file system: real bytes, so a clone takes as long and as much space as its source is large. */
export const createCopyDriver = () => createFileDriver('copy', 'bytes')
