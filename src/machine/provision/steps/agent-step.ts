import { MANAGER_SOCKET, PLACES } from '../host-paths.ts'
import { ownerFile } from '../owner-file.ts'
import { changedFiles, putFiles } from '../put-files.ts'
import { hostPrograms } from '../scripts/host-programs.ts'
import { AWAIT_SOCKETS, START_SERVICES, STOP_SERVICES } from '../scripts/service-scripts.ts'
import { KEEP_OWN_TOKEN } from '../scripts/trust-scripts.ts'
import type { Scene, Step, StepWork } from '../step.ts'
import type { WishedFile, WishedService } from '../wish.ts'

const START_MS_MAX = 120_000
/** Longer than a manager waits for its own store to start and to answer, a minute each. */
const MANAGER_S_MAX = 180

/** The daemons: what they are started with, and that they run with just that. */
export const agentStep: Step = {
  name: 'agent',
  title: 'services',
  plan(scene) {
    return [
      ...changedFiles(filesOf(scene), scene.facts).map(({ path }) => `write ${path}`),
      ...idleServices(scene).map(name => `stop ${name}`),
      ...staleServices(scene).map(({ name }) => `${isActive(name, scene) ? 'restart' : 'start'} ${name}`),
    ]
  },
  kept({ wish: { services } }) {
    if (services.length === 0) return 'none needed'
    const names = services.map(({ name }) => name).join(' and ')
    return `${names} ${services.length === 1 ? 'runs as it' : 'run as they'} should`
  },
  async apply(work) {
    await stop(idleServices(work), work)
    await putFiles(changedFiles(filesOf(work), work.facts), work)
    // A manager first: the agent of its host finds it then, and may get its token from it.
    for (const { name } of staleServices(work)) {
      if (name === 'agent') await keepOwnToken(work)
      await start(name, work)
    }
  },
}

function filesOf(scene: Scene): WishedFile[] {
  const names = scene.wish.services.map(({ name }) => name)
  const programs = names.length === 0 ? [] : hostPrograms(names, scene.facts.init)
  return [...scene.wish.files, ...programs, ownerFile(scene)]
}

/** Those that do not run, those that run with what was before, and those that have to read a token first. */
function staleServices({ facts, wish }: Scene): WishedService[] {
  return wish.services.filter(({ name, runs }) => {
    const service = facts.services.get(name)
    const isOut = wish.trust !== undefined && !facts.identities.has(name)
    return service?.active !== true || service.runs !== runs || isOut
  })
}

/** Those that still run on a host of which only Docker is wanted now: their ports would stay open. */
function idleServices({ facts, wish }: Scene): string[] {
  const active = [...facts.services].filter(([, service]) => service.active)
  return wish.services.length === 0 ? active.map(([name]) => name) : []
}

function isActive(name: string, { facts }: Scene): boolean {
  return facts.services.get(name)?.active === true
}

async function stop(services: readonly string[], { facts, shell, signal, note }: StepWork): Promise<void> {
  if (services.length === 0) return
  await note({ undo: 'restart-services', services })
  await shell.do('stop services', STOP_SERVICES, [facts.init, ...services], { timeoutMs: START_MS_MAX, signal })
}

async function start(name: string, { facts, shell, signal, say, note }: StepWork): Promise<void> {
  const wasActive = facts.services.get(name)?.active === true
  await note({ undo: wasActive ? 'restart-services' : 'stop-services', services: [name] })
  const options = { timeoutMs: START_MS_MAX, signal, onLine: say }
  await shell.do(`start ${name}`, START_SERVICES, [facts.init, name], options)
}

/** Where a manager is, its agent's token is made on the spot: one that was brought is for the manager. */
async function keepOwnToken({ facts, wish, shell, signal }: StepWork): Promise<void> {
  const hasManager = wish.services.some(({ name }) => name === 'manager')
  if (wish.trust === undefined || !hasManager || facts.identities.has('agent')) return
  const options = { timeoutMs: START_MS_MAX, signal }
  const patient = { timeoutMs: (MANAGER_S_MAX + 10) * 1_000, signal }
  await shell.do('see the manager answer', AWAIT_SOCKETS, [String(MANAGER_S_MAX), MANAGER_SOCKET], patient)
  await shell.do('make a join token', KEEP_OWN_TOKEN, [MANAGER_SOCKET, PLACES.token], options)
}
