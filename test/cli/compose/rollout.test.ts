import { expect, it } from 'vitest'
import { rolloutProgress } from '../../../src/cli/commands/compose/watch/rollout.ts'
import type { ProjectView } from '../../../src/core/model/control-api.ts'
import { projectView } from '../support/fake-manager.ts'

const WATCHED = { goal: 'started', services: ['web'], before: new Set<string>(), replaced: new Set(['web']) } as const
const SPEC = {
  name: 'shop',
  services: [{ name: 'web', replicas: 1 }],
  networks: [],
  volumes: [],
} as unknown as ProjectView['spec']

function failureOf(more: Partial<ProjectView['services'][number]>): string | undefined {
  const view = projectView(SPEC, [])
  const services = view.services.map(service => ({ ...service, ...more }))
  return rolloutProgress({ ...view, services }, WATCHED)[0]?.failure
}

it('tells why a change was taken back, and what was printed before, which can do nothing to the terminal', () => {
  const rolledBack = 'shop-web-1: it exited with code 3'
  expect(failureOf({ rolledBack })).toBe(`web, which was rolled back: ${rolledBack}`)
  const printed = ['no such table', '\u001b]0;mine\u0007'].map(text => ({ time: '', text, stream: 'stderr' as const }))
  expect(failureOf({ rolledBack, printed })?.split('\n')).toEqual([
    `web, which was rolled back: ${rolledBack}. The last it printed:`,
    '  no such table',
    '  ^[]0;mine^G',
  ])
})
