import { expect, it } from 'vitest'
import type { EngineSettings, Machine } from '../../../src/machine/model/machine.ts'
import { PLAIN_ENGINE } from '../../../src/machine/model/machine.ts'
import { ownerFile } from '../../../src/machine/provision/owner-file.ts'
import { agentStep } from '../../../src/machine/provision/steps/agent-step.ts'
import { dockerConfigFile, dockerConfigWithoutOurs } from '../../../src/machine/provision/steps/docker-config.ts'
import { engineStep } from '../../../src/machine/provision/steps/engine-step.ts'
import { factsOf, type Lines, MACHINE, sceneOf } from './scene.ts'

const dockerMachine = (engine: Partial<EngineSettings>): Machine => ({
  ...MACHINE,
  engine: { ...PLAIN_ENGINE, kind: 'docker', ...engine },
})
const config = (text: string): Lines => ({ docker_config: [Buffer.from(text).toString('base64')] })
const owner = (docker: unknown): Lines => ({ owner: [JSON.stringify({ machine: 'n1', docker })] })

const LABELLED = { machine: dockerMachine({ labels: { a: 'b' }, registryMirrors: ['http://m'] }) }

it('adds what is missing, and touches nothing else', () => {
  const before = '{\n    "debug":  true,\n    "registry-mirrors": ["http://m"]\n}\n'
  const scene = sceneOf(config(before), LABELLED)
  const after = '{\n    "debug":  true,\n    "registry-mirrors": ["http://m"],\n    "labels": ["a=b"]\n}\n'
  expect(dockerConfigFile(scene)).toMatchObject({ mode: 'kept', content: after })
  // The mirror was the person's own.
  expect(JSON.parse(ownerFile(scene).content)).toMatchObject({ docker: { labels: ['a=b'] } })
  const then = { ...config(after), ...owner({ labels: ['a=b'] }) }
  expect(dockerConfigFile(sceneOf(then, LABELLED))).toBeUndefined()
  expect(ownerFile(sceneOf(then, LABELLED))).toEqual(ownerFile(scene))
  expect(dockerConfigWithoutOurs(factsOf(then))?.content).toBe(before)
})

it('makes one where there is none, and takes out what it no longer wants', () => {
  const made = dockerConfigFile(sceneOf({}, LABELLED))?.content ?? ''
  expect(JSON.parse(made)).toEqual({ labels: ['a=b'], 'registry-mirrors': ['http://m'] })
  const then = { ...config(made), ...owner({ labels: ['a=b'], 'registry-mirrors': ['http://m'] }) }
  const other = dockerConfigFile(sceneOf(then, { machine: dockerMachine({ labels: { a: 'c' } }) }))
  expect(JSON.parse(other?.content ?? '')).toEqual({ labels: ['a=c'] })
  expect(dockerConfigWithoutOurs(factsOf(then))?.content).toBe('{}\n')
  // It is our engine's from now on.
  expect(dockerConfigFile(sceneOf(then, {}))?.content).toBe('{}\n')
})

it('leaves a configuration alone that it has nothing in', () => {
  expect(dockerConfigFile(sceneOf(config('no JSON'), {}))).toBeUndefined()
  expect(dockerConfigWithoutOurs(factsOf(config('{"labels":["a=b"]}')))).toBeUndefined()
  expect(dockerConfigWithoutOurs(factsOf({ ...config('no JSON'), ...owner({ labels: ['a=b'] }) }))).toBeUndefined()
})

it.each([
  ['[]', /no JSON object/],
  ['{"labels": "a=b"}', /"labels" in .* is no list/],
  ['{"labels": ["a=x"]}', /has the label a=x already.*--engine-label/],
])('refuses %s', (text, message) => {
  expect(() => dockerConfigFile(sceneOf(config(text), LABELLED))).toThrow(message)
})

it('installs a Docker where there is none and starts it, and leaves one alone that is there', () => {
  const plan = (lines: Lines): readonly string[] => engineStep.plan(sceneOf(lines, { machine: dockerMachine({}) }))
  expect(plan({ missing: ['docker'] })).toEqual(['install docker.io', 'start Docker'])
  // Somebody was ended between the two.
  expect(plan({ owner: ['{"machine":"n1","installed":["docker.io"]}'] })).toEqual(['start Docker'])
  expect(plan({ docker: ['20.10'] })).toEqual([])
  expect(plan({ docker: ['20.10'], owner: ['{"machine":"n1","installed":["docker.io"]}'] })).toEqual([])
})

it('has an engine of ours end where Docker takes its place', () => {
  const plan = (machine: Machine) =>
    agentStep.plan(sceneOf({ service: ['agent active', 'manager inactive'] }, { machine }))
  expect(plan(dockerMachine({}))).toEqual(['write /etc/shoal/machine.json', 'stop agent'])
  expect(plan(MACHINE)).not.toContain('stop agent')
})
