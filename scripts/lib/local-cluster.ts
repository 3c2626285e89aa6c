import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { command, until } from './command.ts'
import { type DebianImage, prepareImages } from './debian-images.ts'
import { DEMO_IMAGES } from './demo-images.ts'
import { Hosts } from './hosts.ts'
import { endRemembered, recall, signalQuietly, startRemembered } from './processes.ts'
import { programBuild } from './program-build.ts'
import { startRegistry } from './registry.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')

export interface LocalClusterOptions {
  /** State of the cluster: etcd, hosts, logs. */
  readonly directory: string
  /** Where the registry keeps the images; may be shared by clusters, one after the other. */
  readonly imagesDirectory: string
  /** What the registry holds; absent: the images of the example project. */
  readonly images?: readonly DebianImage[]
  /** Names without a registry are looked for in this one too, as those of docker.io. */
  readonly isMirror?: boolean
  /** Bridge that joins the hosts, at most 12 characters. */
  readonly bridge: string
  /** First three numbers of the hosts' network: `10.213.0`. */
  readonly subnet: string
  /** Labels of each node; the first has the address `<subnet>.11`, the second `.12`, … */
  readonly nodes: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Told what happens, for a person. */
  readonly say?: (text: string) => void
}

/**
 * A whole cluster on one machine: etcd, a manager and a registry on this machine's end of a bridge, and an agent on each
 * of several {@link Hosts}. Starting is idempotent: what runs is left alone, what is missing, dead or of another build of
 * the program is started.
 */
export class LocalCluster {
  readonly hosts: Hosts
  readonly manager: string
  readonly managerUrl: string
  readonly registry: string
  readonly etcdUrl: string
  readonly #options: LocalClusterOptions
  readonly #gateway: string

  constructor(options: LocalClusterOptions) {
    this.#options = options
    this.#gateway = `${options.subnet}.1`
    this.hosts = new Hosts({
      directory: join(options.directory, 'hosts'),
      bridge: options.bridge,
      gateway: this.#gateway,
    })
    this.manager = `tcp://${this.#gateway}:3375`
    this.managerUrl = `http://${this.#gateway}:3375`
    this.registry = `${this.#gateway}:5000`
    this.etcdUrl = `etcd://${this.#gateway}:2379/`
  }

  get nodeNames(): readonly string[] {
    return Object.keys(this.#options.nodes)
  }

  address(node: string): string {
    return `${this.#options.subnet}.${11 + this.nodeNames.indexOf(node)}`
  }

  /** Brings everything up and waits until all nodes are ready. */
  async start(): Promise<void> {
    await this.hosts.open()
    await startRegistry({
      address: this.registry,
      pidFile: this.#pidFile('registry'),
      log: this.logFile('registry'),
      storage: join(this.#options.imagesDirectory, 'registry'),
    })
    const { images = DEMO_IMAGES, imagesDirectory: directory } = this.#options
    await prepareImages(images, { registry: this.registry, directory, say: this.#say })
    await this.#endOutdated()
    await this.startEtcd()
    await this.startManager()
    for (const node of this.nodeNames) await this.startNode(node)
    await this.nodesReady()
    // A manager that follows a killed one leads only when the dead one's lease has run out; until then it refuses.
    for (const [name, labels] of Object.entries(this.#options.nodes)) {
      await until(`a manager to label ${name} (its log: ${this.logFile('manager')})`, async () =>
        this.call('PUT', `/v1/nodes/${name}`, { labels }),
      )
    }
  }

  async startEtcd(): Promise<void> {
    if (recall(this.#pidFile('etcd')) === undefined) {
      this.#say('Starting etcd')
      const client = `http://${this.#gateway}:2379`
      const peer = `http://${this.#gateway}:2380`
      const urls = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer]
      const cluster = ['--initial-advertise-peer-urls', peer, '--initial-cluster', `demo=${peer}`]
      const etcd = [
        'etcd',
        '--name',
        'demo',
        '--data-dir',
        join(this.#options.directory, 'etcd'),
        '--log-level',
        'warn',
      ]
      startRemembered(this.#pidFile('etcd'), [...etcd, ...urls, ...cluster], { log: this.logFile('etcd') })
    }
    await until('etcd to answer', async () =>
      (await fetch(`http://${this.#gateway}:2379/health`)).ok ? true : undefined,
    )
  }

  async stopEtcd(): Promise<void> {
    await endRemembered(this.#pidFile('etcd'), { graceMs: 0 })
  }

  async startManager(): Promise<void> {
    if (recall(this.#pidFile('manager')) === undefined) {
      this.#say('Starting the manager')
      // On the bridge too, so that the hosts could reach it; the bridge belongs to this machine alone.
      const listen = ['-H', this.manager, '--insecure']
      startRemembered(this.#pidFile('manager'), [launcher('swarm'), 'manage', ...listen, this.etcdUrl], {
        log: this.logFile('manager'),
      })
    }
    await until(`the manager to answer (its log: ${this.logFile('manager')})`, async () =>
      (await fetch(`${this.managerUrl}/_ping`)).ok ? true : undefined,
    )
  }

  /** Kills the manager at once, as a crash does. */
  async killManager(): Promise<void> {
    await endRemembered(this.#pidFile('manager'), { graceMs: 0 })
  }

  /** Boots a host and starts its agent; what runs is left as it is. */
  async startNode(name: string): Promise<void> {
    if (!this.hosts.isRunning(name)) {
      this.#say(`Booting host ${name} (${this.address(name)})`)
      await this.hosts.start(name, this.address(name))
    }
    if (this.hosts.isSpawned(name, 'agent')) return
    this.#say(`Starting the agent on ${name}`)
    const place = [
      '--data-root',
      join(this.hosts.dataDirectory(name), 'lib'),
      '--cgroup-parent',
      this.hosts.cgroupParent(name),
    ]
    const mirror = this.#options.isMirror === true ? ['--registry-mirror', `http://${this.registry}`] : []
    const registry = ['--insecure-registry', this.registry, ...mirror]
    const identity = ['--name', name, '--advertise', `${this.address(name)}:2375`, '--insecure']
    this.hosts.spawn(name, 'agent', [launcher('swarm'), 'join', ...identity, ...place, ...registry, this.etcdUrl])
  }

  /** The agent's process on a host, as a pid of this machine. */
  agentPid(name: string): number | undefined {
    return this.hosts.pids(name, /\bnode\b.*\bjoin\b.*--advertise/).at(-1)
  }

  /** Kills the agent on a host at once; its containers are not touched. */
  async killAgent(name: string): Promise<void> {
    for (const pid of this.hosts.pids(name, /\bnode\b.*\bjoin\b.*--advertise/)) signalQuietly(pid, 'SIGKILL')
    await until(`the agent on ${name} to die`, async () => (this.hosts.isSpawned(name, 'agent') ? undefined : true))
  }

  async nodesReady(names: readonly string[] = this.nodeNames): Promise<void> {
    await until(
      `nodes ${names.join(', ')} to be ready (logs: ${join(this.#options.directory, 'hosts')}/*/agent.log)`,
      async () => {
        const nodes = (await this.call('GET', '/v1/nodes')) as { name: string; status: string }[]
        return names.every(name => nodes.some(node => node.name === name && node.status === 'ready')) ? true : undefined
      },
    )
  }

  /** Runs one of the launchers against this cluster's manager; resolves with its standard output. */
  run(program: 'compose' | 'swarm' | 'shoal', args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const settings = { ...process.env, DOCKER_HOST: this.manager, REGISTRY: this.registry, ...env }
    return command([launcher(program), ...args], { timeoutMs: 300_000, env: settings })
  }

  /** A call of the manager's API. */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.managerUrl}${path}`, {
      method,
      signal: AbortSignal.timeout(60_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`)
    return response.json()
  }

  /** Removes everything but the images. */
  async remove(): Promise<void> {
    await this.hosts.removeAll()
    for (const program of ['manager', 'etcd', 'registry']) await endRemembered(this.#pidFile(program))
    await rm(this.#options.directory, { recursive: true, force: true })
  }

  logFile(program: string): string {
    return join(this.#options.directory, 'log', `${program}.log`)
  }

  /** Daemons of an earlier build would go on as they were, without the files they may still load; containers do not notice. */
  async #endOutdated(): Promise<void> {
    const file = join(this.#options.directory, 'run', 'build')
    const running = await readFile(file, 'utf8').catch(() => '')
    const build = await programBuild(CHECKOUT)
    if (running === build) return
    await this.killManager()
    for (const node of this.nodeNames) if (this.hosts.isRunning(node)) await this.killAgent(node)
    await mkdir(join(this.#options.directory, 'run'), { recursive: true })
    await writeFile(file, build)
  }

  readonly #say = (text: string): void => this.#options.say?.(text)

  #pidFile(program: string): string {
    return join(this.#options.directory, 'run', `${program}.pid`)
  }
}

function launcher(name: string): string {
  return join(CHECKOUT, 'bin', name)
}
