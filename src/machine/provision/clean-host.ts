import { TASK_LABEL } from '../../core/model/labels.ts'
import type { HostFacts } from './facts/host-facts.ts'
import { ENGINE_SOCKET } from './host-paths.ts'
import { preflight, refused } from './preflight.ts'
import type { ProvisionOptions, ProvisionPorts, ProvisionRequest, ProvisionResult } from './provision-options.ts'
import { Run } from './run.ts'
import { CLEAN_HOST, END_CONTAINERS, LEAVE_CLUSTER } from './scripts/clean-scripts.ts'
import { PUT_DOCKER_CONFIG, REMOVE_DOCKER_CONFIG } from './scripts/docker-scripts.ts'
import { CLOSE_PORTS } from './scripts/network-scripts.ts'
import { STOP_SERVICES } from './scripts/service-scripts.ts'
import { dockerConfigWithoutOurs } from './steps/docker-config.ts'

const CLEAN_MS_MAX = 300_000

export interface CleanOptions extends Pick<ProvisionOptions, 'sudoPassword' | 'signal' | 'onEvent'> {
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
    const { membership, machine } = request
    const { signal } = options
    const timed = { timeoutMs: CLEAN_MS_MAX, signal }
    const what = options.data ? 'data' : 'program'
    // While its copy of the store answers: of two that vote, the other could not take it out alone. And before all else, as it may be refused.
    const takeManagerOut = (): Promise<void> | undefined => membership?.takeManagerOut(machine, signal)
    if (facts.joined !== undefined) {
      await run.during('join', 'leave the cluster', async () => {
        await takeManagerOut()
        run.changed.push('join')
        if (machine.swarm?.agent !== false) await membership?.drain(machine.name, signal)
        await endContainers(run, what)
        await run.shell.do('leave the cluster', LEAVE_CLUSTER, [what], timed)
        return 'it has left'
      })
    }
    await run.during('agent', 'stop services', async () => {
      if (facts.joined === undefined) await takeManagerOut()
      run.changed.push('agent')
      if (facts.joined === undefined) await endContainers(run, what)
      await run.shell.do('stop services', STOP_SERVICES, [facts.init, 'agent', 'manager'], timed)
      await run.shell.do('close ports', CLOSE_PORTS, [''], timed)
      return 'stopped'
    })
    await run.during('engine', 'remove Shoal', async () => {
      run.changed.push('engine')
      await takeFromDocker(facts, run)
      await run.shell.do('clean the host', CLEAN_HOST, [what], timed)
      if (membership !== undefined) await membership.forget(machine, signal)
      return 'removed'
    })
    return await run.finish()
  } catch (error) {
    const result = await run.finish(error)
    options.signal.throwIfAborted()
    return result
  }
}

/** Our entries in Docker's configuration, which it forgets at its next start; a file that has nothing else goes with them. */
async function takeFromDocker(facts: HostFacts, run: Run): Promise<void> {
  const file = dockerConfigWithoutOurs(facts)
  if (file === undefined) return
  const timed = { timeoutMs: CLEAN_MS_MAX, signal: run.options.signal }
  if (file.content.trim() === '{}') return void (await run.shell.do('clean Docker', REMOVE_DOCKER_CONFIG, [], timed))
  const line = `${file.mode} ${file.path} ${Buffer.from(file.content).toString('base64')}\n`
  await run.shell.do("clean Docker's configuration", PUT_DOCKER_CONFIG, [run.id], { ...timed, stdin: line })
}

/** Those of Docker's own engine are Docker's. */
async function endContainers(run: Run, what: 'data' | 'program'): Promise<void> {
  const { engine } = await run.facts()
  if (engine === undefined || run.wish.machine.engine.kind !== 'shoal') return
  const words = [ENGINE_SOCKET, what, TASK_LABEL]
  await run.shell.do('end its containers', END_CONTAINERS, words, {
    timeoutMs: CLEAN_MS_MAX,
    signal: run.options.signal,
  })
}

/** Throws PREFLIGHT where another machine, or a cluster that this one is not in, has the host: none of ours is on it. */
function checkOwner(facts: HostFacts, { wish }: Run): string {
  const foreign = preflight({ facts, wish }).filter(({ check }) => check === 'machine' || check === 'cluster')
  if (foreign.length > 0) throw refused(foreign)
  return 'it is ours'
}
