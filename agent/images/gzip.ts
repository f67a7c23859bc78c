import { Transform } from 'node:stream'
import { Gzip } from 'fflate'

// Of fixed size: how a stream happens to be cut must not show in what comes out.
const blockBytes = 64 * 1024

/**
 * Compresses without anything of the host in it: neither time nor name, nor its zlib, whose output differs between
 * versions and processors. The same bytes in, the same bytes out, wherever it runs.
 */
export function createGzip(): Transform {
  const gzip = new Gzip({ level: 6, mtime: 0 })
  let waiting: Uint8Array[] = []
  let bytes = 0

  const take = () => {
    const block = Buffer.concat(waiting)
    waiting = []
    bytes = 0
    return block
  }

  return new Transform({
    construct(callback) {
      gzip.ondata = (chunk) => this.push(chunk)
      callback()
    },
    transform(chunk: Buffer, _encoding, callback) {
      waiting.push(chunk)
      bytes += chunk.byteLength
      if (bytes >= blockBytes) {
        const block = take()
        const whole = block.byteLength - (block.byteLength % blockBytes)
        // A copy each: what is pushed may be kept for a while.
        for (let at = 0; at < whole; at += blockBytes) gzip.push(block.slice(at, at + blockBytes))
        const rest = block.subarray(whole)
        if (rest.byteLength > 0) waiting.push(rest)
        bytes = rest.byteLength
      }
      // Others have their turn between two chunks.
      setImmediate(callback)
    },
    flush(callback) {
      gzip.push(take(), true)
      callback()
    },
  })
}
