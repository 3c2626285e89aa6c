import { describe, expect, it } from 'vitest'
import { runFamily } from './run-family.ts'

/** Every flag of classic Swarm's commands, with what wrong values are answered: a table that stands for its documentation. */

const LISTED: Readonly<Record<string, readonly string[]>> = {
  '': ['--debug', '-l, --log-level', '--experimental', '-h, --help', '-v, --version'],
  create: [],
  list: ['--timeout', '--discovery-opt'],
  join: ['--advertise', '--addr', '--heartbeat', '--ttl', '--delay', '--discovery-opt'],
  manage: [
    '--strategy',
    '-f, --filter',
    '-H, --host',
    '--replication',
    '--replication-ttl',
    '--advertise',
    '--addr',
    '--tls',
    '--tlsverify',
    '--tlscacert',
    '--tlscert',
    '--tlskey',
    '--engine-refresh-min-interval',
    '--engine-refresh-max-interval',
    '--engine-failure-retry',
    '--engine-refresh-retry',
    '--heartbeat',
    '--api-enable-cors',
    '--cors',
    '-c, --cluster-driver',
    '--cluster-opt',
    '--discovery-opt',
    '--refresh-on-node-filter',
    '--container-name-refresh-filter',
  ],
}

describe('swarm --help', () => {
  it.each(Object.entries(LISTED))('of "%s" lists every flag of classic Swarm', async (command, flags) => {
    const { code, stdout } = await runFamily('swarm', [...(command === '' ? [] : [command]), '--help'])
    expect(code).toBe(0)
    const listed = stdout.split('\n').flatMap(line => /^ {2}(-[^ ,]+(?:, --[\w-]+)?)/.exec(line)?.[1] ?? [])
    expect(listed).toEqual(expect.arrayContaining([...flags]))
  })

  it.each(['c', 'l', 'm', 'j', 'help manage'])('swarm %s is the command that it shortens', async short => {
    const { code, stdout } = await runFamily('swarm', [...short.split(' '), ...(short.length === 1 ? ['--help'] : [])])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Usage: swarm (create\|c|list\|l|manage\|m|join\|j) /)
  })
})

const STORE = 'etcd://127.0.0.1:1/x'
const AT = ['--advertise', '127.0.0.1:2375']

/** What is typed, and the sentence it is answered with. */
const REFUSED: readonly (readonly [typed: readonly string[], sentence: string | RegExp])[] = [
  [['bogus'], /^swarm: unknown command: swarm bogus\n/],
  [['--bogus'], /^unknown flag: --bogus\n/],
  [['manage', '--bogus'], /^unknown flag: --bogus\n/],
  [['manage', '--strategy'], /^flag needs an argument: --strategy\n/],
  [['-l', 'loud', 'list', 'h:1'], /^Cannot use --log-level "loud"/],
  [['create', 'a', 'b'], /^the `create` command takes one argument at most/],
  [['create', '--timeout', '0s', STORE], '--timeout should be a positive number'],
  [['list', 'a', 'b'], "discovery required to list a cluster. See 'swarm list --help'."],
  [['list', '--timeout', 'x', 'h:1'], /^invalid --timeout: x /],
  [['list', '--discovery-opt', 'x', 'h:1'], '--discovery-opt must contain key=value strings'],
  [['join', STORE], 'missing mandatory --advertise flag'],
  [['join', '--addr', 'h', STORE], '--advertise should be of the form ip:port or hostname:port'],
  [['join', '--addr', '::1:2375', STORE], '--advertise should be of the form ip:port or hostname:port'],
  [['join', ...AT], "discovery required to join a cluster. See 'swarm join --help'."],
  [['join', ...AT, '--heartbeat', '999ms', STORE], '--heartbeat should be at least one second'],
  [
    ['join', ...AT, '--ttl', '2s', '--heartbeat', '2s', STORE],
    '--ttl must be strictly superior to the heartbeat value',
  ],
  [['join', ...AT, '--delay=-1s', STORE], '--delay should not be a negative number'],
  [['manage', 'a:1', 'b:1'], /^the `manage` command takes one argument at most/],
  [['manage', '--strategy', 'fair', 'h:1'], /^strategy not supported/],
  [['manage', '-f', 'nosuch', 'h:1'], /^filter not supported/],
  [['manage', '--replication', 'h:1'], /^Leader election is only supported with /],
  [['manage', '--replication', STORE], '--advertise address must be provided when using --leader-election'],
  [['manage', '--tls', 'h:1'], '--tlscert and --tlskey must be provided when using --tls'],
  [['manage', '-c', 'mesos-experimental', 'h:1'], /^unsupported cluster "mesos-experimental"/],
  [['manage', '--cluster-opt', 'swarm.overcommit=-2', 'h:1'], /^swarm\.overcommit should be larger than -1, -2\.0+ is/],
]

/** Discovery URLs that lead nowhere, with what is said of them. */
const NOWHERE: readonly (readonly [url: string, sentence: RegExp])[] = [
  ['token://abc', /needs a hosted service that no longer exists: use etcd:/],
  ['consul://h:1', /^consul:\/\/ discovery is not supported/],
  ['zk://h:1', /^zk:\/\/ discovery is not supported/],
  ['ftp://h:1', /^Discovery "ftp:\/\/" is not known/],
  ['etcd://', /expected etcd:\/\/host:port/],
  ['etcd://h:99999/c', /expected etcd:\/\/host:port/],
  ['etcd://h:1/a/b', /a cluster name is letters, digits/],
  ['etcd://h:1/..', /a cluster name is letters, digits/],
  ['etcd://h:1/%2e%2e', /a cluster name is letters, digits/],
  ['nodes://', /expected nodes:\/\/host:port/],
  ['nodes://:2375', /^Cannot read address ":2375"/],
  ['10.0.0.[5:3]:2375', /expected the lower number first/],
  ['10.0.0.[1:999999999]:2375', /^Cannot read range/],
  ['10.0.0.[a:b]:2375', /^Cannot read /],
  ['file://', /expected a path/],
  ['file:///no/such/list', /^Cannot read the list of nodes \/no\/such\/list: ENOENT/],
]

describe('swarm', () => {
  it.each(REFUSED)('%j is answered in a sentence, with exit code 2', async (typed, sentence) => {
    const { code, stdout, stderr } = await runFamily('swarm', typed)
    expect([code, stdout]).toEqual([2, ''])
    if (typeof sentence === 'string') expect(stderr).toBe(`${sentence}\n`)
    else expect(stderr).toMatch(sentence)
  })

  it.each(NOWHERE)('list %s says why it leads nowhere', async (url, sentence) => {
    const { code, stdout, stderr } = await runFamily('swarm', ['list', url])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(sentence)
    expect(stderr.trim()).not.toContain('\n')
  })

  it('takes an url of the environment, and the one that is typed before it', async () => {
    const env = { SWARM_DISCOVERY: 'nodes://h:1' }
    expect((await runFamily('swarm', ['list'], env)).stdout).toBe('h:1\n')
    expect((await runFamily('swarm', ['list', 'g:2'], env)).stdout).toBe('g:2\n')
  })

  it.each(['-v', '--version'])('%s says its version', async flag => {
    expect(await runFamily('swarm', [flag])).toEqual({ code: 0, stdout: 'swarm version 1.2.3\n', stderr: '' })
    expect(await runFamily('swarm', ['--debug', flag])).toEqual({
      code: 0,
      stdout: 'swarm version 1.2.3\n',
      stderr: '',
    })
  })
})
