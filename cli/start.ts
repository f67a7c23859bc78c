import module from 'node:module'
import { findCompileCache } from './compile-cache.ts'
import { readSettings } from './settings.ts'

// Before anything else is loaded. Node 20 has no such cache.
if (module.enableCompileCache !== undefined) {
  const directory = findCompileCache(readSettings().cacheHome)
  if (directory) module.enableCompileCache(directory)
}
await import('./main.ts')
