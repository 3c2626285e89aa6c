import { failed } from '../../core/errors.ts'
import { type MountRequest, mount } from '../linux/mount.ts'
import { SyscallError } from '../linux/process/libc.ts'

/** A process for one mount(2), which waits as long as a server does not answer, and may be killed meanwhile. */

/** What it answers: 0, or the kernel's reason. */
export interface MountReply {
  readonly errno: number
}

function attempt(request: MountRequest): MountReply {
  try {
    mount(request)
    return { errno: 0 }
  } catch (error) {
    if (error instanceof SyscallError) return { errno: error.errno }
    throw failed('MOUNT_FAILED', 'Cannot call mount(2): see the cause', { cause: error })
  }
}

if (process.send !== undefined) {
  process.once('message', (request: MountRequest) => {
    process.send?.(attempt(request), () => process.disconnect?.())
  })
}
