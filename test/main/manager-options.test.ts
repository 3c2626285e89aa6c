import { describe, expect, it } from 'vitest'
import type { CommandContext, Options } from '../../src/cli/index.ts'
import { readManageOptions } from '../../src/main/manager-options.ts'

/** The options of `swarm manage` as the program hands them over, names in camel case. */
function read(given: Readonly<Record<string, string | boolean | readonly string[]>>, args: readonly string[] = []) {
  const options: Options = {
    text: name => (typeof given[name] === 'string' ? given[name] : undefined),
    flag: name => given[name] === true,
    list: name => [given[name] ?? []].flat().map(String),
    number: () => undefined,
    choice: () => undefined,
  }
  return readManageOptions({ args, options, globals: options, command: 'swarm manage' }, {
    env: {},
  } as Partial<CommandContext> as CommandContext)
}

const ETCD = ['etcd://10.0.0.1:2379/c']
const PAIR = { tlscert: '/c', tlskey: '/k' }

describe('swarm manage', () => {
  it('serves its own machine unless told otherwise', () => {
    expect(read({})).toMatchObject({ hosts: ['tcp://127.0.0.1:3375'], advertise: '127.0.0.1:3375', insecure: false })
  })

  it.each([
    ['in the clear', { host: ['tcp://0.0.0.0:3375'] }, ETCD, /Refusing to serve tcp:\/\/0\.0\.0\.0:3375 without TLS/],
    ['with a store of its own that is', { etcdListen: '10.0.0.1:2379' }, [], /Cannot serve --etcd-listen 10/],
    ['with such a store, TLS or not', { etcdListen: '10.0.0.1:2379', tls: true, ...PAIR }, [], /--etcd-listen/],
  ])('refuses to be reached by others %s', (_how, options, args, message) => {
    expect(() => read(options, args)).toThrow(message)
    expect(() => read({ ...options, insecure: true }, args)).not.toThrow()
  })

  it('serves others with TLS', () => {
    const options = { host: ['tcp://10.0.0.1:3376'], tlsverify: true, tlscacert: '/a', ...PAIR }
    expect(read(options, ETCD)).toMatchObject({
      hosts: ['tcp://10.0.0.1:3376'],
      advertise: '10.0.0.1:3376',
      tlsFiles: { cert: '/c', key: '/k', ca: '/a' },
    })
  })

  it.each([
    [{ tls: true }, '--tlscert and --tlskey must be provided when using --tls'],
    [{ tlsverify: true, ...PAIR }, '--tlscacert must be provided when using --tlsverify'],
    [PAIR, '--tlscert, --tlskey and --tlscacert require the use of either --tls or --tlsverify'],
  ])('refuses %j as classic Swarm does', (options, message) => {
    expect(() => read(options, ETCD)).toThrow(message)
  })
})
