import { errorMessage } from '../../core/errors.ts'
import { provisionHost } from './provision-host.ts'
import type { ProvisionOptions, ProvisionPorts, ProvisionRequest, ProvisionResult } from './provision-options.ts'

/**
 * Brings a host to the request's bundle while its containers go on; with a cluster its tasks go elsewhere before, and may come again
 * after. What somebody had drained or paused is so again. A host that could not be upgraded stays drained, for whoever looks after it.
 * Rejects only when cancelled.
 */
export async function upgradeHost(
  request: ProvisionRequest,
  options: ProvisionOptions & { readonly drain: boolean },
  ports: ProvisionPorts,
): Promise<ProvisionResult> {
  const { machine, membership } = request
  const moves = membership !== undefined && options.drain && options.dryRun !== true && machine.swarm?.agent === true
  try {
    const before = moves ? await membership.availability(machine.name, options.signal) : 'drain'
    if (before !== 'drain') await membership?.drain(machine.name, options.signal)
    const result = await provisionHost(request, options, ports)
    if (before !== 'drain' && result.ok) await membership?.setAvailability(machine.name, before, options.signal)
    return result
  } catch (error) {
    options.signal.throwIfAborted()
    const failure = error instanceof Error ? error : new Error(errorMessage(error))
    return { ...FAILED, machine: machine.name, failed: { step: 'join', error: failure } }
  }
}

const FAILED = { ok: false, exitCode: 1, changed: [], planned: 0, warnings: [], roundTrips: 0, durationMs: 0 } as const
