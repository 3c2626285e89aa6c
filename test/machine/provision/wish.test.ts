import { expect, it } from 'vitest'
import { PLAIN_ENGINE } from '../../../src/machine/model/machine.ts'
import { MACHINE, SWARM, sceneOf } from './scene.ts'

const wordsOf = (service: string, ...scene: Parameters<typeof sceneOf>): string[] => {
  const file = sceneOf(...scene).wish.files.find(({ path }) => path === `/etc/shoal/${service}.args`)
  return (file?.content ?? '').split('\n').slice(0, -1)
}

it('has an engine alone listen on its socket', () => {
  const { wish } = sceneOf()
  expect(wordsOf('agent')).toEqual([
    'engine',
    '--name',
    'n1',
    '--data-root',
    '/var/lib/shoal',
    '-H',
    'unix:///run/shoal/engine.sock',
  ])
  expect(wish).toMatchObject({ ports: [], services: [{ name: 'agent' }] })
  expect(wish.cluster).toBeUndefined()
})

it('has a member join with what the record says, word by word', () => {
  const engine = { ...PLAIN_ENGINE, labels: { zone: 'a b' }, options: ['log-level=debug', '--ipv6'] }
  const swarm = { ...SWARM, joinOptions: ['ttl=9s'] }
  const words = wordsOf('agent', {}, { machine: { ...MACHINE, engine, swarm } })
  expect(words.slice(0, 2)).toEqual(['swarm', 'join'])
  expect(words).toEqual(expect.arrayContaining(['zone=a b', '--log-level=debug', '--ipv6', '--ttl=9s', '--insecure']))
  expect(words.at(-1)).toBe('etcd://10.0.0.1:2379/')
})

it('has a first manager keep the store, and its agent use it', () => {
  const machine = { ...MACHINE, swarm: { ...SWARM, master: true, discovery: '', options: ['cors'] } }
  expect(wordsOf('manager', {}, { machine })).toEqual(
    expect.arrayContaining(['--etcd-listen', '10.0.0.5:2379', '--advertise', '10.0.0.5:3376', '--cors', '--insecure']),
  )
  expect(wordsOf('agent', {}, { machine }).at(-1)).toBe('etcd://10.0.0.5:2379')
  const { wish } = sceneOf({}, { machine })
  expect(wish.services.map(({ name }) => name)).toEqual(['manager', 'agent'])
  expect(wish.ports).toEqual(['2376/tcp', '4789/udp', '4788/udp', '3376/tcp', '2379/tcp'])
  expect(wish.needed).toContain('etcd')
})

it('has every manager of a cluster with certificates keep a copy of the store, and meet the others', () => {
  const machine = { ...MACHINE, swarm: { ...SWARM, master: true } }
  const trust = { managers: ['10.0.0.1:3376'] }
  expect(wordsOf('manager', {}, { machine, trust })).toEqual(expect.arrayContaining(['--etcd-listen', '10.0.0.5:2379']))
  const { wish } = sceneOf({}, { machine, trust })
  expect(wish.ports).toEqual(expect.arrayContaining(['2379/tcp', '2380/tcp']))
  expect(wish.needed).toContain('etcd')
  // In a store of others there is none to keep.
  expect(wordsOf('manager', {}, { machine })).not.toContain('--etcd-listen')
})

it('never writes a token where arguments are seen', () => {
  const machine = { ...MACHINE, swarm: SWARM }
  const trust = { newToken: async () => 'SHOAL-1-node-secret', managers: ['10.0.0.1:3376'] }
  const words = wordsOf('agent', {}, { machine, trust })
  expect(words).toEqual(expect.arrayContaining(['--token-file', '/etc/shoal/join-token', '--manager', '10.0.0.1:3376']))
  expect(words.join(' ')).not.toMatch(/secret|--insecure/)
})

it('refuses what a line of a file cannot hold', () => {
  const engine = { ...PLAIN_ENGINE, labels: { a: 'one\ntwo' } }
  const code = expect.objectContaining({ code: 'BAD_MACHINE_SETTING' })
  expect(() => sceneOf({}, { machine: { ...MACHINE, engine } })).toThrow(code)
  const unnamed = { ...PLAIN_ENGINE, environment: ['no name=x'] }
  expect(() => sceneOf({}, { machine: { ...MACHINE, engine: unnamed } })).toThrow(code)
})

it('changes what runs with every word that a daemon is started with', () => {
  const plain = sceneOf().wish.services[0]?.runs
  const labelled = { ...MACHINE, engine: { ...PLAIN_ENGINE, labels: { a: 'b' } } }
  expect(sceneOf().wish.services[0]?.runs).toBe(plain)
  expect(sceneOf({}, { machine: labelled }).wish.services[0]?.runs).not.toBe(plain)
})

it('has nothing of ours run beside a Docker that is in no cluster', () => {
  const machine = { ...MACHINE, engine: { ...PLAIN_ENGINE, kind: 'docker' as const } }
  expect(sceneOf({}, { machine }).wish).toMatchObject({ services: [], files: [], ports: [], needed: ['docker'] })
  const member = { ...machine, swarm: SWARM }
  expect(wordsOf('agent', {}, { machine: member })).toContain('unix:///var/run/docker.sock')
})

it.each([
  [[], 'runc'],
  [['default-runtime=crun'], 'crun'],
  [['--default-runtime=/usr/bin/crun'], 'crun'],
  [['default-runtime=/opt/runc'], 'runc'],
])('needs of the runtimes the one that the options %j name', (options, runtime) => {
  const { wish } = sceneOf({}, { machine: { ...MACHINE, engine: { ...PLAIN_ENGINE, options } } })
  expect(wish.needed.filter(name => /^c?runc?$/.test(name))).toEqual([runtime])
})
