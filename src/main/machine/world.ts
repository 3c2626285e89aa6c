import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { MachineWorld } from '../../cli/index.ts'
import { errorCode, failed } from '../../core/errors.ts'
import { connectHost, dumpSshConfig } from '../../machine/index.ts'
import { writeDurably } from '../../runtime/linux/files/durable-file.ts'
import { lockFile } from '../../runtime/linux/files/file-lock.ts'

/** What the commands of `machine` use of this host. */
export const machineWorld: MachineWorld = {
  files: { writeDurably, lock: lockFile },
  connect: (request, { clock, random, env }, signal) => connectHost(request, { clock, random, env }, signal),
  async runProgram(words, { env, signal }) {
    const [program = '', ...args] = words
    const child = spawn(program, args, { stdio: 'inherit', env: { ...env } })
    const stop = (): void => void child.kill('SIGTERM')
    signal.addEventListener('abort', stop, { once: true })
    try {
      const [code, name] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
      return code ?? 128 + (name === null ? 0 : constants.signals[name])
    } catch (cause) {
      if (errorCode(cause) !== 'ENOENT') throw failed('PROGRAM_FAILED', `Cannot run ${program}`, { cause })
      throw failed('PROGRAM_MISSING', `This needs ${program}, which is not installed on this machine: install it`)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  },
  sshConfigOf: (request, env) => dumpSshConfig(request, { env }),
}
