import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep, withDeadline } from '../../../core/clock.ts'
import { errorCode, unavailable } from '../../../core/errors.ts'
import type { DriverPorts } from '../driver.ts'
import { VM_FILES } from './command-line.ts'
import { withQmp } from './qmp.ts'

/** A machine's QEMU: where it runs, and the id that no other has. */
export interface Vm {
  readonly folder: string
  readonly id: string
}

type Ports = Pick<DriverPorts, 'clock'>

const POLL_MS = 100
/** A guest that is emulated on a busy host ends its services slowly. */
const POWERDOWN_MS_MAX = 120_000
/** A guest that was still starting has missed the button. */
const PRESS_AGAIN_MS = 10_000
const END_MS_MAX = 10_000

/** Its process; undefined: it does not run. A process that got the same number since is not taken for it. */
export async function processOf({ folder, id }: Vm): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(join(folder, VM_FILES.pid), 'utf8')).trim())
    if (!Number.isSafeInteger(pid) || pid <= 1) return undefined
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
    return words.includes(id) ? pid : undefined
  } catch (error) {
    // ESRCH: it ended while it was read.
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}

/** Presses the power button and waits for the guest to end; one that does not is cut off. Does nothing if it does not run. */
export async function powerDown(vm: Vm, ports: Ports, signal: AbortSignal): Promise<void> {
  const { clock } = ports
  const untilMs = clock.monotonicMs() + POWERDOWN_MS_MAX
  for (;;) {
    if (await told(vm, 'system_powerdown', ports, signal)) return
    const leftMs = untilMs - clock.monotonicMs()
    if (leftMs <= 0) break
    if (await endsWithin(vm, Math.min(leftMs, PRESS_AGAIN_MS), ports, signal)) return
  }
  await told(vm, 'quit', ports, signal)
  if (await endsWithin(vm, END_MS_MAX, ports, signal)) return
  await cutOff(vm, ports, signal)
}

/** Ends it as if the power failed. Does nothing if it does not run. */
export async function cutOff(vm: Vm, ports: Ports, signal: AbortSignal): Promise<void> {
  const pid = await processOf(vm)
  if (pid !== undefined) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (errorCode(error) !== 'ESRCH') throw error
    }
    if (!(await endsWithin(vm, END_MS_MAX, ports, signal))) {
      throw unavailable('QEMU_STAYS', `QEMU (process ${pid}) does not end: something holds it in the kernel`)
    }
  }
  await Promise.all(
    [VM_FILES.pid, VM_FILES.work, VM_FILES.look].map(name => rm(join(vm.folder, name), { force: true })),
  )
}

/** Whether it does not run, and so cannot be told. */
async function told(vm: Vm, command: string, { clock }: Ports, signal: AbortSignal): Promise<boolean> {
  if ((await processOf(vm)) === undefined) return true
  try {
    await withQmp(vm.folder, VM_FILES.work, qmp => qmp.execute(command), { clock, signal })
  } catch (error) {
    // It ended at that, or is asked again.
    if (!['QEMU_GONE', 'QEMU_SILENT'].includes(errorCode(error) ?? '')) throw error
  }
  return false
}

async function endsWithin(vm: Vm, ms: number, { clock }: Ports, signal: AbortSignal): Promise<boolean> {
  const waiting = async (inner: AbortSignal): Promise<boolean> => {
    while ((await processOf(vm)) !== undefined) await sleep(clock, POLL_MS, inner)
    return true
  }
  try {
    return await withDeadline(waiting, ms, { clock, signal, onTimeout: () => unavailable('STILL_THERE', 'it runs') })
  } catch (error) {
    if (errorCode(error) === 'STILL_THERE') return false
    throw error
  }
}
