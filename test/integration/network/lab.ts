import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newHexId, systemRandom } from '../../../src/core/random.ts'
import type { SandboxRequest } from '../../../src/runtime/ports.ts'

/** Hosts as network namespaces on a wire of their own: nothing is made in the machine's own network. */

const HOST_PROCESS = fileURLToPath(new URL('./host-process.ts', import.meta.url))

export interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export function run(command: string, ...args: string[]): Promise<Output> {
  return new Promise(resolve => {
    execFile(command, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr })
    })
  })
}

async function must(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, ...args)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code} ${stderr}`)
  return stdout
}

/** Runs a command inside a network namespace given by path. */
export function inside(netns: string, ...command: string[]): Promise<Output> {
  return run('nsenter', `--net=${netns}`, ...command)
}

export const fetchText = async (netns: string, address: string): Promise<string> => {
  const { stdout } = await inside(netns, 'curl', '--silent', '--max-time', '3', `http://${address}/`)
  return stdout.trim()
}

export const resolveName = async (netns: string, server: string, name: string): Promise<string[]> => {
  const { stdout } = await inside(netns, 'busybox', 'nslookup', '-type=a', name, server)
  return [...stdout.matchAll(/^Name:.*\nAddress: (.*)$/gm)].map(match => match[1] ?? '').sort()
}

/** Two tries: the first may be lost while the kernel still notices that a fresh cable is plugged in. */
export const pings = async (netns: string, address: string): Promise<boolean> =>
  (await inside(netns, 'busybox', 'ping', '-c2', '-W1', address)).code === 0

/** Repeats until the value is as wanted, or gives the last one back after `tries` tenths of a second. */
export async function eventually<T>(get: () => Promise<T>, isWanted: (value: T) => boolean, tries = 100): Promise<T> {
  let value = await get()
  for (let attempt = 0; attempt < tries && !isWanted(value); attempt++) {
    await new Promise(resolve => setTimeout(resolve, 100))
    value = await get()
  }
  return value
}

/** A process of the code under test in a host's network; calls are messages. */
export class HostProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (reply: { value?: unknown; error?: { code: string; message: string } }) => void>()
  #sent = 0

  constructor(netns: string) {
    this.#child = spawn('nsenter', [`--net=${netns}`, process.execPath, HOST_PROCESS], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (reply: { id: number; value?: unknown; error?: { code: string; message: string } }) => {
      this.#waiting.get(reply.id)?.(reply)
      this.#waiting.delete(reply.id)
    })
    this.#child.on('exit', () => {
      for (const answer of this.#waiting.values())
        answer({ error: { code: 'GONE', message: 'the host process ended' } })
      this.#waiting.clear()
    })
  }

  call<T = unknown>(method: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#sent
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, reply => {
        if (reply.error === undefined) resolve(reply.value as T)
        else reject(Object.assign(new Error(reply.error.message), reply.error))
      })
      if (this.#child.connected) this.#child.send({ id, method, args })
      else reject(new Error('the host process has ended'))
    })
  }

  /**
   * As `call`, but the process dies at the n-th await of it. Resolves with how many awaits there were if it lived, and with
   * undefined if it died.
   */
  crash(killAfter: number, method: string, ...args: readonly unknown[]): Promise<number | undefined> {
    const id = ++this.#sent
    const ended = new Promise<undefined>(resolve => this.#child.once('exit', () => resolve(undefined)))
    const answered = new Promise<number>((resolve, reject) => {
      this.#child.on('message', (reply: { id: number; awaits?: number; error?: { message: string } }) => {
        if (reply.id !== id) return
        if (reply.error === undefined) resolve(reply.awaits ?? 0)
        else reject(new Error(reply.error.message))
      })
    })
    this.#child.send({ id, method, args, killAfter })
    return Promise.race([answered, ended])
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
  }
}

export interface LabHost {
  readonly name: string
  readonly netns: string
  readonly address: string
  readonly folder: string
  process: HostProcess
}

export class Lab {
  readonly #tag = newHexId(systemRandom).slice(0, 6)
  readonly folder = mkdtempSync(join(tmpdir(), 'shoal-net-'))
  readonly #hosts: LabHost[] = []
  readonly #children: ChildProcess[] = []
  /** Everybody's neighbour: a bridge with the address 10.77.0.254. */
  readonly wire = `/run/netns/shl${this.#tag}w`
  readonly wireAddress = '10.77.0.254'
  readonly wireAddress6 = 'fd77:77::254'

  async open(): Promise<void> {
    await must('ip', 'netns', 'add', `shl${this.#tag}w`)
    await must('ip', '-n', `shl${this.#tag}w`, 'link', 'set', 'lo', 'up')
    await must('ip', '-n', `shl${this.#tag}w`, 'link', 'add', 'wire', 'type', 'bridge')
    await must('ip', '-n', `shl${this.#tag}w`, 'address', 'add', `${this.wireAddress}/24`, 'dev', 'wire')
    await must('ip', '-n', `shl${this.#tag}w`, 'link', 'set', 'wire', 'up')
  }

  /** Gives the wire and its hosts IPv6 addresses: `fd77:77::254`, and `fd77:77::1` for the first host. */
  async speakIpv6(): Promise<void> {
    const add = (netns: string, device: string, address: string): Promise<string> =>
      must('ip', '-n', netns, 'address', 'add', `${address}/64`, 'dev', device, 'nodad')
    await add(`shl${this.#tag}w`, 'wire', this.wireAddress6)
    for (const [index, { netns }] of this.#hosts.entries()) {
      const name = basename(netns)
      await add(name, 'eth0', `fd77:77::${index + 1}`)
      await must('ip', '-n', name, '-6', 'route', 'add', 'default', 'via', this.wireAddress6)
    }
  }

  async addHost(): Promise<LabHost> {
    const number = this.#hosts.length + 1
    const [netns, wire] = [`shl${this.#tag}${number}`, `shl${this.#tag}w`]
    await must('ip', 'netns', 'add', netns)
    await must('ip', '-n', wire, 'link', 'add', `h${number}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns)
    await must('ip', '-n', wire, 'link', 'set', `h${number}`, 'master', 'wire', 'up')
    await must('ip', '-n', netns, 'address', 'add', `10.77.0.${number}/24`, 'dev', 'eth0')
    await must('ip', '-n', netns, 'link', 'set', 'eth0', 'up')
    await must('ip', '-n', netns, 'link', 'set', 'lo', 'up')
    await must('ip', '-n', netns, 'route', 'add', 'default', 'via', this.wireAddress)
    const path = `/run/netns/${netns}`
    const folder = join(this.folder, `host${number}`)
    const host = {
      name: `n${number}`,
      netns: path,
      address: `10.77.0.${number}`,
      folder,
      process: new HostProcess(path),
    }
    this.#hosts.push(host)
    return host
  }

  /** An HTTP server that answers `<name> <client address>`. */
  async serve(netns: string, name: string, port = 80, address = '0.0.0.0'): Promise<ChildProcess> {
    const script = `require('http').createServer((q, r) => r.end('${name} ' + q.socket.remoteAddress.replace('::ffff:', ''))).listen(${port}, '${address}', () => console.log('ready'))`
    return this.spawn(netns, process.execPath, '-e', script)
  }

  /** Starts a command in a namespace; resolves with its first output. */
  async spawn(netns: string, ...command: string[]): Promise<ChildProcess> {
    const child = spawn('nsenter', [`--net=${netns}`, ...command], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#children.push(child)
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('exit', code => reject(new Error(`${command.join(' ')} ended with ${code}`)))
    })
    return child
  }

  keep(child: ChildProcess): void {
    this.#children.push(child)
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const host of this.#hosts) {
      await host.process.kill()
      const { stdout } = await run('sh', '-c', `grep -o '${host.folder}[^ ]*' /proc/self/mounts`)
      for (const mounted of stdout.split('\n').filter(Boolean)) await run('umount', '-l', mounted)
    }
    const { stdout } = await run('ip', 'netns', 'list')
    for (const [netns = ''] of stdout.matchAll(new RegExp(`shl${this.#tag}\\w`, 'g'))) {
      await run('ip', 'netns', 'delete', netns)
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function sandboxRequest(name: string, changes: Partial<SandboxRequest> = {}): SandboxRequest {
  return {
    containerId: newHexId(systemRandom),
    containerName: name,
    hostname: name,
    domainname: '',
    networkMode: 'default',
    endpoints: {},
    portBindings: {},
    publishAllPorts: false,
    exposedPorts: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    extraHosts: [],
    sysctls: {},
    ...changes,
  }
}
