import type { Clock } from '../../core/clock.ts'
import { findProgram, runCommand } from '../../runtime/linux/process/run-command.ts'

const COMMAND_MS = 5_000

/**
 * Ends every connection that others have made to an address of this host, whichever program serves it. False: some are still open,
 * since `ss` is not installed, or the kernel cannot do it.
 */
export async function hangUp(address: string, clock: Clock): Promise<boolean> {
  const ss = findProgram('ss')
  if (ss === undefined) return false
  const ask = async (...flags: readonly string[]): Promise<readonly string[]> => {
    const words = [...flags, '--no-header', '--tcp', '--numeric', 'state', 'established', 'src', address]
    const lines = (await runCommand(ss, words, { clock, timeoutMs: COMMAND_MS })).split('\n')
    // Behind the lengths of its queues, which change: our side, and the other.
    return lines.map(line => line.trim().split(/\s+/).slice(-2).join(' ')).filter(line => line !== '')
  }
  try {
    const open = await ask()
    await ask('--kill')
    const left = await ask()
    return !open.some(connection => left.includes(connection))
  } catch {
    return false
  }
}
