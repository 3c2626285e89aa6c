import { sleep } from '../../../../core/clock.ts'
import { conflict, EXIT_CODES, failed } from '../../../../core/errors.ts'
import type { Availability } from '../../../../core/model/node.ts'
import {
  MANAGER_SOCKET,
  type Machine,
  type Membership,
  managerName,
  PLACES,
  type RemoteResult,
  type RootShell,
  type Transport,
} from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { becomeRoot } from '../run/become-root.ts'
import { connectMachine } from '../run/reach.ts'
import { askInTurn } from './ask-in-turn.ts'

const SWARM = `${PLACES.current}/bin/swarm`
const SOCKET = `unix://${MANAGER_SOCKET}`
const ASK_MS_MAX = 60_000
/** A manager that takes longer has no store, and another is asked. */
const ANSWER_MS_MAX = 20_000
const DRAIN_MS_MAX = 900_000
/** A node that was stopped counts as up until it has missed some heartbeats. */
const SETTLE_MS_MAX = 90_000
const SETTLE_POLL_MS = 3_000
const REFUSED = 3
/** Who led may be the manager that was just taken out, and who is asked may work by a copy of the store that goes with it. */
const UNSETTLED = /no manager leads|does not lead any more|cannot reach the leading manager|does not answer/i
/** Longer than it waits there. */
const RENEW_MS_MAX = 120_000

type Asking = Pick<MachineCommand, 'context' | 'options' | 'questions' | 'store' | 'world'>

export interface Owner {
  readonly name: string
  readonly role: string
  /** RFC 3339. */
  readonly expires: string
}

interface Reached {
  readonly master: Machine
  readonly shell: RootShell
}

/** A cluster's manager, spoken to on its own host: the socket there needs no certificate, only root. Of several it is the first that answers. */
export class ManagerShell implements Membership {
  readonly #masters: readonly Machine[]
  readonly #command: Asking
  readonly #transports: Transport[] = []
  #reached: Promise<Reached> | undefined
  #asked: Machine | undefined

  /** The machines whose managers may be asked, in this order. */
  constructor(masters: readonly Machine[], command: Asking) {
    this.#masters = masters
    this.#command = command
  }

  async isReady(node: string, signal: AbortSignal): Promise<boolean> {
    const { code, stdout } = await this.#swarm(['node', 'ls', '--format', '{{.Name}} {{.Health}}'], signal)
    return code === 0 && stdout.split('\n').includes(`${node} healthy`)
  }

  /** Throws NODE_NOT_EMPTY if something stays, with what and why. */
  async drain(node: string, signal: AbortSignal): Promise<void> {
    const { code, stdout, stderr } = await this.#swarm(['node', 'drain', '--wait', node], signal, DRAIN_MS_MAX)
    if (code === REFUSED) {
      throw conflict('NODE_NOT_EMPTY', `Something on ${node} cannot leave it:\n${stdout.trimEnd()}`, {
        details: { refused: true },
      })
    }
    if (code !== 0) throw this.#refusal(stderr)
  }

  /** Throws MANAGER_REFUSED for a node that the manager does not know. */
  async availability(node: string, signal: AbortSignal): Promise<Availability> {
    const { code, stdout, stderr } = await this.#swarm(
      ['node', 'ls', '--format', '{{.Name}} {{.Availability}}'],
      signal,
    )
    if (code !== 0) throw this.#refusal(stderr)
    const to = stdout
      .split('\n')
      .find(line => line.startsWith(`${node} `))
      ?.slice(node.length + 1)
    if (to === 'active' || to === 'pause' || to === 'drain') return to
    throw this.#refusal(`no node ${node}`)
  }

  async setAvailability(node: string, to: 'active' | 'pause', signal: AbortSignal): Promise<void> {
    const { code, stderr } = await this.#swarm(['node', 'update', '--availability', to, node], signal)
    if (code !== 0) throw this.#refusal(stderr)
  }

  /** Once it is down; what is not known is forgotten already. */
  async forget(machine: Pick<Machine, 'name' | 'swarm'>, signal: AbortSignal): Promise<void> {
    await this.#forgetNode(machine.name, signal)
    await this.takeManagerOut(machine, signal)
  }

  async takeManagerOut({ name, swarm }: Pick<Machine, 'name' | 'swarm'>, signal: AbortSignal): Promise<void> {
    if (swarm?.master === true && swarm.insecure !== true) await this.#revoke(managerName({ name }), signal)
  }

  async #forgetNode(node: string, signal: AbortSignal): Promise<void> {
    const { code, stderr } = await this.#untilSettled(() => this.#swarm(['node', 'rm', '--force', node], signal), {
      isAlsoPassing: code => code === REFUSED,
      signal,
    })
    if (code !== 0 && !/no such node/i.test(stderr)) throw this.#refusal(stderr)
  }

  /** Nobody is waited for: nothing is to be open with who goes. */
  async #revoke(name: string, signal: AbortSignal): Promise<void> {
    const revoke = (...flags: readonly string[]): Promise<RemoteResult> =>
      this.#swarm(['cert', 'revoke', ...flags, name], signal)
    const { code, stderr } = await this.#untilSettled(
      async () => {
        const first = await revoke('--timeout', '0s')
        // One of an earlier version waits for nobody, and knows no such flag.
        return first.code === EXIT_CODES.usage ? await revoke() : first
      },
      { signal },
    )
    if (code !== 0 && !/nobody called/i.test(stderr)) throw this.#refusal(stderr)
  }

  /** Asks again while the cluster finds its way without who has just gone. Resolves with the last answer. */
  async #untilSettled(
    ask: () => Promise<RemoteResult>,
    {
      isAlsoPassing = () => false,
      signal,
    }: { readonly isAlsoPassing?: (code: number | null) => boolean; readonly signal: AbortSignal },
  ): Promise<RemoteResult> {
    const { clock } = this.#command.context
    const untilMs = clock.monotonicMs() + SETTLE_MS_MAX
    for (;;) {
      const answer = await ask()
      const isPassing = answer.code !== 0 && (UNSETTLED.test(answer.stderr) || isAlsoPassing(answer.code))
      if (!isPassing || clock.monotonicMs() >= untilMs) return answer
      await sleep(clock, SETTLE_POLL_MS, signal)
    }
  }

  /** Has members make other keys, and get certificates for them; waits until they show them. */
  async renew(
    names: readonly string[],
    { revokesOld, signal }: { readonly revokesOld: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const words = ['cert', 'renew', ...(revokesOld ? ['--revoke-old'] : []), ...names]
    const { code, stderr } = await this.#swarm(words, signal, RENEW_MS_MAX)
    if (code === EXIT_CODES.usage) {
      const name = this.#asked?.name
      throw failed(
        'MANAGER_REFUSED',
        `The manager on "${name}" is of an earlier version, which cannot do that: run \`machine upgrade ${name}\``,
      )
    }
    if (code !== 0) throw this.#refusal(stderr)
  }

  /** Who has a certificate of the cluster. */
  async certificates(signal: AbortSignal): Promise<readonly Owner[]> {
    const { code, stdout, stderr } = await this.#swarm(
      ['cert', 'ls', '--format', '{{.Role}} {{.Expires}} {{.Name}}'],
      signal,
    )
    if (code !== 0) throw this.#refusal(stderr)
    return stdout.split('\n').flatMap(line => {
      const [role = '', expires = '', name] = line.split(' ')
      return name === undefined ? [] : [{ name, role, expires }]
    })
  }

  /** Changes the authority, or waits for a change that runs, until all members have followed. */
  async rotateAuthority(signal: AbortSignal): Promise<void> {
    const { code, stderr } = await this.#swarm(['ca', 'rotate', '--wait'], signal, DRAIN_MS_MAX)
    if (code !== 0) throw this.#refusal(stderr)
  }

  async close(): Promise<void> {
    await this.#reached?.catch(() => undefined)
    await Promise.all(this.#transports.map(transport => transport.close()))
  }

  async #swarm(words: readonly string[], signal: AbortSignal, timeoutMs = ASK_MS_MAX): Promise<RemoteResult> {
    this.#reached ??= askInTurn(this.#masters, signal, master => this.#reach(master, signal))
    const reached = await this.#reached
    this.#asked = reached.master
    return runSwarm(reached.shell, words, { timeoutMs, signal })
  }

  /** Throws NO_PRIVILEGE, and MANAGER_REFUSED where others could be asked and this one does not answer. */
  async #reach(master: Machine, signal: AbortSignal): Promise<Reached> {
    const transport = await connectMachine(master, this.#command)
    this.#transports.push(transport)
    const shell = await becomeRoot(master, transport, this.#command)
    if (this.#masters.length > 1) {
      const { code, stderr } = await runSwarm(shell, ['node', 'ls'], { timeoutMs: ANSWER_MS_MAX, signal })
      if (code !== 0) throw refusalOf(master, stderr)
    }
    return { master, shell }
  }

  #refusal(stderr: string): Error {
    return refusalOf(this.#asked, stderr)
  }
}

function runSwarm(
  shell: RootShell,
  [family = '', verb = '', ...rest]: readonly string[],
  timed: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<RemoteResult> {
  return shell.run('exec "$@"', [SWARM, family, verb, '-H', SOCKET, ...rest], timed)
}

function refusalOf(master: Machine | undefined, stderr: string): Error {
  const last = stderr.trim().split('\n').at(-1) ?? ''
  return failed('MANAGER_REFUSED', `The manager on "${master?.name}" says: ${last === '' ? 'nothing' : last}`)
}
