import { closeSync, constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { makeNode } from '../../linux/files/xattr.ts'

const FIFO = 0o010000
const NO_JSON = '\0'

/** A container's configuration on its way to a runtime that has been started already. */
export interface ConfigPipe {
  readonly give: (config: string) => void
  /** Has the runtime give up, whenever it comes to read: it would wait for ever. */
  readonly refuse: () => void
  /** Only once the runtime has ended: what it has not read by then is lost. */
  readonly close: () => void
}

/**
 * Makes a fifo where a runtime looks for a configuration, which it reads once and waits for: so it can be loaded while what
 * it is told of is still being made. If this process ends meanwhile, the runtime that has begun to read fails.
 */
export function openConfigPipe(path: string): ConfigPipe {
  makeNode(path, FIFO | 0o600, { major: 0, minor: 0 })
  // For reading too: otherwise it could not be opened before the runtime is there.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  let pipe: Socket
  try {
    pipe = new Socket({ fd, readable: false, writable: true }).on('error', () => {})
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return {
    give: config => void pipe.write(config),
    refuse: () => void pipe.write(NO_JSON),
    close: () => void pipe.destroy(),
  }
}
