import { createFileDriver } from './file-driver.ts'

/** XFS (or any file system with FICLONE): each file shares its blocks with its source until one of them changes. */
export const createReflinkDriver = () => createFileDriver('reflink', 'reflink')
