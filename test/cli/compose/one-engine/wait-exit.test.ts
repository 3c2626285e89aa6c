import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { engineView } from '../../../../src/cli/commands/compose/one-engine/engine-view.ts'
import { knownContainers } from '../../../../src/cli/commands/compose/one-engine/known-containers.ts'
import { waitForExit } from '../../../../src/cli/commands/compose/up/wait-exit.ts'
import type { Settling } from '../../../../src/cli/commands/compose/up/wanted-project.ts'
import type { ContainerSummary } from '../../../../src/docker-api/index.ts'
import { stubEngine } from '../../../support/stub-engine.ts'
import { containerSummary } from '../../support/container-summary.ts'
import { pollingClock } from '../../support/run.ts'

function container(service: string, more: Partial<ContainerSummary>): ContainerSummary {
  const Labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': service }
  return containerSummary(`shop-${service}-1`, { Labels, ...more })
}

/** `up` of these services on an engine. */
function settlingOn(engine: ReturnType<typeof stubEngine>, services: readonly string[], clock = pollingClock()) {
  return {
    project: {
      spec: { name: 'shop', services: services.map(name => ({ name })) },
      api: { engine, project: async () => engineView('shop', await knownContainers(engine, 'shop')) },
    },
    invocation: { options: { text: () => undefined, number: () => undefined } },
    context: { clock, signal: new AbortController().signal, stderr: new PassThrough() },
    here: { run: { engine, tell: () => {}, hooks: new Map() } },
    before: new Set(),
    result: { steps: [] },
  } as unknown as Settling
}

it('gives the code of what has ended though all is shown before that was noticed', async () => {
  const states = [container('job', { State: 'running' })]
  const ended = container('job', { State: 'exited', Status: 'Exited (5) 1 second ago' })
  const engine = stubEngine({ containers: { list: async () => [states.pop() ?? ended] } })
  // Nobody looks a second time.
  const clock = { ...pollingClock(), setTimer: () => ({ cancel() {} }) }
  const settling = settlingOn(engine, ['job'], clock)
  const [waiting, following] = [Promise.resolve(), Promise.resolve()]
  expect(await waitForExit(settling, { aborts: 'any', waiting, following, isShown: () => true })).toBe(5)
})

it('stops what runs when one has ended, and does not wait for what was never started', async () => {
  let runs: Partial<ContainerSummary> = { State: 'running' }
  const stopped: string[] = []
  const engine = stubEngine({
    containers: {
      list: async () => [
        container('web', { State: 'exited', Status: 'Exited (3) 1 second ago' }),
        container('db', runs),
        container('late', { State: 'created', Status: 'Created' }),
      ],
      stop: async id => {
        stopped.push(id)
        runs = { State: 'exited', Status: 'Exited (0) 1 second ago' }
        return true
      },
    },
  })
  const settling = settlingOn(engine, ['web', 'db', 'late'])
  const [waiting, following] = [Promise.resolve(), new Promise<void>(() => {})]
  expect(await waitForExit(settling, { aborts: 'any', waiting, following, isShown: () => true })).toBe(3)
  expect(stopped).toEqual(['id-of-shop-db-1'])
})
