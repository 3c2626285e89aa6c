import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock, settle } from '../../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../../src/core/random.ts'
import { type DriverPorts, driverOf, type Machine, PLAIN_ENGINE, readSettings } from '../../../../src/machine/index.ts'
import type { FakeCloud } from './fake-cloud.ts'
import { FakeDigitalocean } from './fake-digitalocean.ts'
import { FakeHetzner } from './fake-hetzner.ts'

const TOKEN = 'the-secret-token'

/** A driver with a cloud of its own, and what it has remembered. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'shoal-cloud-'))
  readonly clock = new ManualClock()
  readonly cloud: FakeCloud
  readonly remembered: Machine['made'][] = []
  readonly said: string[] = []
  greets = true
  machine: Machine

  constructor(driver: string, cloud: FakeCloud, flags: Readonly<Record<string, string>>) {
    this.cloud = cloud
    const settings = readSettings(driverOf(driver).flags, {
      text: flag => flags[flag],
      list: flag => flags[flag]?.split(',') ?? [],
      isSet: flag => flag in flags,
      env: () => undefined,
    })
    this.machine = { name: 'n1', driver, settings, engine: PLAIN_ENGINE, certificateNames: [], createdAtMs: 0 }
  }

  readonly #ports = (): DriverPorts => ({
    clock: this.clock,
    random: seededRandom(7),
    env: {},
    request: this.cloud.request,
    isReachable: async () => true,
    greetsBySsh: async () => this.greets,
    folder: this.folder,
    cacheFolder: this.folder,
    cacheExclusively: (_name, work) => work(),
    remember: async made => {
      this.remembered.push(made)
      this.machine = { ...this.machine, made }
    },
    report: line => void this.said.push(line),
  })

  /** Does what a driver does, moving time on whenever all wait. */
  async does(
    what: 'precheck' | 'create' | 'start' | 'stop' | 'kill' | 'restart' | 'remove',
    signal = NEVER,
  ): Promise<void> {
    const driver = driverOf(this.machine.driver)
    driver.check(this.machine.settings)
    await this.#runOut(driver[what]?.(this.machine, this.#ports(), signal))
  }

  state(): Promise<string> {
    return this.#runOut(driverOf(this.machine.driver).state(this.machine, this.#ports(), NEVER))
  }

  posts(path: string): number {
    return this.cloud.seen.filter(each => each.method === 'POST' && each.path === path).length
  }

  async #runOut<T>(work: Promise<T> | undefined): Promise<T> {
    if (work === undefined) throw new Error('the driver does not do that')
    const state = { isDone: false }
    const done = work.finally(() => {
      state.isDone = true
    })
    done.catch(() => {})
    while (!state.isDone) {
      // Files are read and written in real time.
      for (let turn = 0; turn < 50; turn++) await settle()
      if (!state.isDone) this.clock.step()
    }
    return done
  }
}

const NEVER = new AbortController().signal

const CLOUDS = [
  {
    name: 'hetzner',
    token: 'hetzner-api-token',
    servers: '/servers',
    keys: '/ssh_keys',
    make: () => {
      const cloud = new FakeHetzner(TOKEN)
      return { cloud, servers: cloud.servers, sshKeys: cloud.keys }
    },
    limit: { 'ratelimit-reset': '1700000060' },
    badNames: { 'hetzner-server-type': 'cx99' },
    errorBody: { error: { code: 'resource_limit_exceeded', message: 'server limit reached' } },
    more: {
      'hetzner-server-location': 'fsn1',
      'hetzner-server-label': 'env=test,team=a',
      'hetzner-firewalls': '38',
      'hetzner-networks': '456',
      'hetzner-placement-group': '1',
      'hetzner-disable-public-ipv6': '',
    },
  },
  {
    name: 'digitalocean',
    token: 'digitalocean-access-token',
    servers: '/droplets',
    keys: '/account/keys',
    make: () => {
      const cloud = new FakeDigitalocean(TOKEN)
      return { cloud, servers: cloud.droplets, sshKeys: cloud.keys }
    },
    limit: { 'retry-after': '60' },
    badNames: { 'digitalocean-size': 'huge' },
    errorBody: { id: 'forbidden', message: 'You are not authorized' },
    more: {
      'digitalocean-ipv6': '',
      'digitalocean-backups': '',
      'digitalocean-monitoring': '',
      'digitalocean-vpc': '760e09ef-dc84-11e8-981e-3cfdfeaae000',
      'digitalocean-tags': 'web,env:test',
      'digitalocean-firewalls': 'bb4b2611-3d72-467b-8602-280330ecd65c',
    },
  },
] as const

describe.each(CLOUDS)('servers at $name', ({ name, token, servers: serversPath, keys: keysPath, ...rest }) => {
  const { make, limit, badNames, errorBody, more } = rest
  let made: ReturnType<typeof make>
  let bench: Bench
  const withFlags = (flags: Readonly<Record<string, string>>): Bench => {
    rmSync(bench.folder, { recursive: true })
    return (bench = new Bench(name, made.cloud, { [token]: TOKEN, ...flags }))
  }

  beforeEach(() => {
    made = make()
    bench = new Bench(name, made.cloud, { [token]: TOKEN })
  })

  afterEach(() => {
    rmSync(bench.folder, { recursive: true })
    expect(made.cloud.violations).toEqual([])
    expect(JSON.stringify([bench.said, bench.remembered])).not.toContain(TOKEN)
  })

  it('are made, changed and removed by the published rules', async () => {
    await bench.does('precheck')
    await bench.does('create')
    expect(await bench.state()).toBe('Running')
    const { address, ssh } = driverOf(name).whereabouts(bench.machine)
    expect({ address, ssh }).toMatchObject({
      address: '192.0.2.7',
      ssh: { user: 'root', port: 22, keyPath: 'id_ed25519' },
    })
    expect(statSync(join(bench.folder, 'id_ed25519')).mode & 0o777).toBe(0o600)
    await bench.does('stop')
    expect(await bench.state()).toBe('Stopped')
    await bench.does('start')
    expect(await bench.state()).toBe('Running')
    await bench.does('restart')
    await bench.does('kill')
    expect(await bench.state()).toBe('Stopped')
    await bench.does('remove')
    expect([made.servers, made.sshKeys]).toEqual([[], []])
    await bench.does('remove')
  })

  it('take all that flags can say', async () => {
    const userData = join(tmpdir(), `shoal-user-data-${process.pid}-${name}`)
    writeFileSync(userData, '#cloud-config\n')
    withFlags({ ...more, [name === 'hetzner' ? 'hetzner-user-data' : 'digitalocean-userdata']: userData })
    await bench.does('precheck').finally(() => {})
    await bench.does('create').finally(() => rmSync(userData))
    const order = made.cloud.seen.find(each => each.method === 'POST' && each.path === serversPath)
    expect(order?.body).toMatchObject({ name: 'n1', user_data: '#cloud-config\n' })
    expect(made.servers).toHaveLength(1)
  })

  it('are not made twice when the first time was cut off', async () => {
    const cut = new AbortController()
    made.cloud.faults.push({
      fits: ({ method, path }) => method === 'GET' && path.startsWith(`${serversPath}/`),
      answer: () => {
        cut.abort(new Error('cut off'))
        throw new Error('cut off')
      },
    })
    await expect(bench.does('create', cut.signal)).rejects.toThrow('cut off')
    expect([made.servers, made.sshKeys]).toMatchObject([[{ name: 'n1' }], [{}]])
    // Its id was not kept: the mark alone finds it.
    bench.machine = { ...bench.machine, made: bench.remembered[0] ?? {} }
    await bench.does('create')
    expect([bench.posts(serversPath), bench.posts(keysPath)]).toEqual([1, 1])
    expect(await bench.state()).toBe('Running')
  })

  it('are found and removed though nothing but their mark is known', async () => {
    await bench.does('create')
    bench.machine = { ...bench.machine, made: bench.remembered[0] ?? {} }
    await bench.does('remove')
    expect([made.servers, made.sshKeys]).toEqual([[], []])
  })

  it('wait for a limit as long as the cloud says', async () => {
    made.cloud.faults.push({
      fits: ({ method, path }) => method === 'POST' && path === serversPath,
      answer: () => new Response('{}', { status: 429, headers: limit }),
    })
    const beganMs = bench.clock.monotonicMs()
    await bench.does('create')
    expect(bench.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(60_000)
    expect(made.servers).toHaveLength(1)
  })

  it('are asked for again while the cloud is ill, but never ordered twice', async () => {
    const ill = (fits: FakeCloud['faults'][number]['fits']) => ({
      fits,
      answer: () => new Response('', { status: 503 }),
    })
    made.cloud.faults.push(
      ill(({ method }) => method === 'GET'),
      ill(({ method }) => method === 'GET'),
    )
    await bench.does('create')
    await bench.does('remove')
    const before = bench.posts(serversPath)
    made.cloud.faults.push(ill(({ method, path }) => method === 'POST' && path === serversPath))
    await expect(bench.does('create')).rejects.toMatchObject({ code: 'CLOUD_REFUSED' })
    expect(bench.posts(serversPath)).toBe(before + 1)
    expect([made.servers, made.sshKeys]).toEqual([[], []])
  })

  it('that cannot be finished are taken back, and the reason is told', async () => {
    made.cloud.faults.push({
      fits: ({ method, path }) => method === 'POST' && path === serversPath,
      answer: () => Response.json(errorBody, { status: 403 }),
    })
    const words =
      name === 'hetzner' ? /server limit reached.*all the servers it may/ : /not authorized.*scopes allow it/
    await expect(bench.does('create')).rejects.toThrow(words)
    expect([made.servers, made.sshKeys]).toEqual([[], []])
    bench.greets = false
    await expect(bench.does('create')).rejects.toThrow('does a firewall let the port through?')
    expect([made.servers, made.sshKeys, bench.machine.made]).toEqual([[], [], {}])
  })

  it('are refused for a token that is none, and for names that the cloud does not know', async () => {
    withFlags({ [token]: 'another' })
    await expect(bench.does('precheck')).rejects.toThrow(`--${token}`)
    withFlags(badNames)
    await expect(bench.does('precheck')).rejects.toThrow(/has none of that name$/)
    expect(made.cloud.seen.every(({ method }) => method === 'GET')).toBe(true)
  })

  it('that are gone are told as gone, and can be made anew', async () => {
    await bench.does('create')
    made.servers.length = 0
    await expect(bench.state()).rejects.toMatchObject({ code: 'SERVER_GONE' })
    await bench.does('remove')
    expect(made.sshKeys).toEqual([])
  })

  it('use a key that is there, and leave it there', async () => {
    const [id, path] = name === 'hetzner' ? ['existing-key-id', 'existing-key-path'] : ['ssh-key-id', 'ssh-key-path']
    await bench.does('create')
    const [key] = made.sshKeys
    const keyPath = join(bench.folder, 'id_ed25519')
    expect(readFileSync(keyPath, 'utf8')).toContain('OPENSSH PRIVATE KEY')
    withFlags({ [`${name}-${id}`]: String(key?.id), [`${name}-${path}`]: keyPath })
    bench.machine = { ...bench.machine, name: 'n2' }
    await bench.does('create')
    expect(driverOf(name).whereabouts(bench.machine).ssh).toMatchObject({ keyPath })
    await bench.does('remove')
    expect(made.sshKeys).toEqual([key])
    expect(bench.posts(keysPath)).toBe(1)
  })
})
