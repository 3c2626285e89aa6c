import { describe, expect, it } from 'vitest'
import type { Options } from '../../src/cli/index.ts'
import { readManageOptions } from '../../src/main/manager/manager-options.ts'

/** The options of `swarm manage` as the program hands them over, names in camel case. */
function read(
  given: Readonly<Record<string, string | boolean | readonly string[]>>,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  isTrusted = false,
) {
  const options: Options = {
    text: name => (typeof given[name] === 'string' ? given[name] : undefined),
    flag: name => given[name] === true,
    list: name => [given[name] ?? []].flat().map(String),
    number: () => undefined,
    choice: () => undefined,
  }
  return readManageOptions(
    { args, options, globals: options, command: 'swarm manage' },
    {
      env,
      isTrusted,
    },
  )
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

  it('tells members of a cluster with certificates of no store at any address', () => {
    for (const etcdListen of ['0.0.0.0:2379', '[::]:2379']) {
      expect(() => read({ etcdListen }, [], {}, true)).toThrow(
        'give the address at which the other hosts reach this one',
      )
    }
    expect(() => read({ etcdListen: '10.0.0.1:2379' }, [], {}, true)).not.toThrow()
  })

  it('takes from its environment what classic Swarm took from there, and flags before that', () => {
    const env = { SWARM_HOST: 'tcp://127.0.0.1:4000', SWARM_ADVERTISE: '10.0.0.9:4000', DEBUG: 'true' }
    expect(read({}, ETCD, env)).toMatchObject({
      hosts: ['tcp://127.0.0.1:4000'],
      advertise: '10.0.0.9:4000',
      logLevel: 'debug',
    })
    const given = { host: ['tcp://127.0.0.1:5000'], advertise: '10.0.0.8:5000', logLevel: 'warn' }
    expect(read(given, ETCD, env)).toMatchObject({
      hosts: given.host,
      advertise: given.advertise,
      logLevel: 'warn',
    })
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

  it.each([
    [{ strategy: 'fair' }, /^strategy not supported/],
    [{ filter: ['health', 'nosuch'] }, /^filter not supported: nosuch/],
    [{ replicationTtl: '0s' }, '--replication-ttl should be a positive number'],
    [{ replicationTtl: 'soon' }, /^invalid --replication-ttl: soon/],
    [{ replication: true }, '--advertise address must be provided when using --leader-election'],
    [{ advertise: '10.0.0.1' }, '--advertise should be of the form ip:port or hostname:port'],
    [{ engineRefreshMinInterval: '0s' }, 'min refresh interval should be a positive number'],
    [
      { engineRefreshMinInterval: '30s', engineRefreshMaxInterval: '20s' },
      'max refresh interval cannot be less than min refresh interval',
    ],
    [{ engineFailureRetry: '0' }, 'invalid failure retry count'],
    [{ engineFailureRetry: 'x' }, 'invalid failure retry count'],
    [{ engineRefreshRetry: '4' }, '--engine-refresh-retry is deprecated. Use --engine-failure-retry'],
    [{ heartbeat: '500ms' }, '--heartbeat should be at least one second'],
    [{ clusterDriver: 'mesos-experimental' }, /^unsupported cluster "mesos-experimental"/],
    [{ clusterOpt: ['swarm.overcommit=-2'] }, 'swarm.overcommit should be larger than -1, -2.000000 is invalid'],
    [{ clusterOpt: ['swarm.overcommit=lots'] }, 'swarm.overcommit should be larger than -1, lots is invalid'],
    [{ clusterOpt: ['swarm.createretry=-1'] }, 'swarm.createretry can not be negative, -1 is invalid'],
    [{ clusterOpt: ['shoal.soft=maybe'] }, /^shoal.soft should be drop .* or score .*, maybe is invalid$/],
    [{ clusterOpt: ['shoal.image-locality=-1'] }, /^shoal.image-locality should be a number of containers/],
    [{ clusterOpt: ['shoal.volume-locality'] }, 'shoal.volume-locality should be prefer or require,  is invalid'],
    [{ clusterOpt: ['mesos.user=x'] }, /^--cluster-opt mesos.user is not known/],
    [{ discoveryOpt: ['kv.path=x'] }, /^--discovery-opt kv.path is not used: the cluster's name stands in the URL/],
    [{ logLevel: 'loud' }, /^Cannot use --log-level "loud"/],
  ])('refuses %j with its own words', (options, message) => {
    expect(() => read(options, ETCD)).toThrow(message)
  })

  it('takes what is wanted beyond classic Swarm', () => {
    const clusterOpt = ['shoal.soft=score', 'shoal.image-locality=3', 'shoal.volume-locality=require']
    expect(read({ clusterOpt }, ETCD).preferences).toEqual({
      wishes: 'score',
      imageLocality: 3,
      volumeLocality: 'require',
    })
    expect(read({}, ETCD).preferences).toEqual({})
  })

  it('elects no leader without a store', () => {
    const options = { replication: true, advertise: '10.0.0.1:3375' }
    expect(() => read(options, ['nodes://a:1'])).toThrow('Leader election is only supported with etcd discovery.')
    expect(() => read(options, ETCD)).not.toThrow()
  })

  it('takes every flag of classic Swarm, and says which of them do nothing', () => {
    const given = {
      strategy: 'binpacking',
      clusterDriver: 'swarm',
      clusterOpt: ['swarm.overcommit=-0.5', 'swarm.createretry=2'],
      engineRefreshMinInterval: '30s',
      engineRefreshMaxInterval: '60s',
      engineFailureRetry: '5',
      engineRefreshRetry: '3',
      heartbeat: '20s',
      cors: true,
      refreshOnNodeFilter: true,
      containerNameRefreshFilter: 'x',
      logLevel: 'panic',
    }
    const options = read(given, ['file:///nodes'])
    expect(options).toMatchObject({
      strategy: 'binpack',
      overcommit: -0.5,
      createRetries: 2,
      polling: { minMs: 30_000, maxMs: 60_000, failures: 5, fileMs: 20_000 },
      cors: true,
      logLevel: 'fatal',
    })
    expect(options.warnings.map(warning => warning.split(':')[0])).toEqual([
      'swarm.overcommit=-0.5 lets only a part of each node be used',
      '--engine-refresh-retry has no effect',
      '--refresh-on-node-filter has no effect',
      '--container-name-refresh-filter has no effect',
    ])
    expect(read(given, ETCD).warnings).toHaveLength(8)
    expect(read({}, ETCD)).toMatchObject({ warnings: [], createRetries: 0, cors: false, logLevel: 'info' })
  })
})
