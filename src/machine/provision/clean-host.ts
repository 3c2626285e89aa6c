import type { HostFacts } from './facts/host-facts.ts'
import { preflight, refused } from './preflight.ts'
import type { ProvisionOptions, ProvisionPorts, ProvisionRequest, ProvisionResult } from './provision-options.ts'
import { Run } from './run.ts'
import { CLEAN_HOST, CLOSE_PORTS, STOP_SERVICES } from './scripts/change-scripts.ts'

const CLEAN_MS_MAX = 300_000

export interface CleanOptions extends Pick<ProvisionOptions, 'sudoPassword' | 'dryRun' | 'signal' | 'onEvent'> {
  /** Containers, images and volumes go too. */
  readonly data: boolean
}

/**
 * Takes a host out of its cluster and removes what provisioning brought, but for packages of the distribution. What is gone already is no
 * failure, so that the same can be done again. Rejects only when cancelled: a failure is in the result.
 */
export async function cleanHost(
  request: ProvisionRequest,
  options: CleanOptions,
  ports: ProvisionPorts,
): Promise<ProvisionResult> {
  const run = new Run(request, options, ports)
  try {
    await run.reach()
    const facts = await run.facts()
    await run.during('preflight', 'see whose host it is', async () => checkOwner(facts, run))
    if (options.dryRun === true) return await run.finish()
    const { membership, machine } = request
    const { signal } = options
    if (membership !== undefined && machine.swarm?.agent !== false && facts.joined !== undefined) {
      await run.during('join', 'leave the cluster', async () => {
        await membership.drain(machine.name, signal)
        return 'its containers have moved'
      })
    }
    await run.during('agent', 'stop services', async () => {
      run.changed.push('agent')
      const timed = { timeoutMs: CLEAN_MS_MAX, signal }
      await run.shell.do('stop services', STOP_SERVICES, [facts.init, 'agent', 'manager'], timed)
      for (const filter of facts.firewalls.filter(name => name !== 'nft')) {
        await run.shell.do(`close ports in ${filter}`, CLOSE_PORTS, [filter, ...run.wish.ports], timed)
      }
      return 'stopped'
    })
    await run.during('engine', 'remove Shoal', async () => {
      run.changed.push('engine')
      const timed = { timeoutMs: CLEAN_MS_MAX, signal }
      await run.shell.do('clean the host', CLEAN_HOST, [options.data ? 'data' : 'program'], timed)
      if (membership !== undefined) await membership.forget(machine.name, signal)
      return 'removed'
    })
    return await run.finish()
  } catch (error) {
    const result = await run.finish(error)
    options.signal.throwIfAborted()
    return result
  }
}

/** Throws PREFLIGHT where another machine, or a cluster that this one is not in, has the host: none of ours is on it. */
function checkOwner(facts: HostFacts, { wish }: Run): string {
  const foreign = preflight({ facts, wish }).filter(({ check }) => check === 'machine' || check === 'cluster')
  if (foreign.length > 0) throw refused(foreign)
  return 'it is ours'
}
