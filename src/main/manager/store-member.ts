import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '../../core/clock.ts'
import { conflict, errorMessage, unavailable } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Scope } from '../../core/scope.ts'
import {
  type EtcdMembers,
  type EtcdTlsFiles,
  hasEtcdData,
  isPeerThere,
  isToVote,
  type StoreMember as Member,
  peerOf,
  planJoin,
  planLeave,
} from '../../discovery/index.ts'
import type { AuthorityRecord, StoreCopies } from '../../manager/index.ts'
import { MANAGER_HOST } from '../../trust/index.ts'
import { type OwnEtcd, openOwnEtcd } from './own-etcd.ts'
import { StoreRevocations } from './store-revocations.ts'

export interface StoreMemberOptions {
  readonly dataRoot: string
  readonly listen: { readonly host: string; readonly port: number }
  /** Of its manager. */
  readonly name: string
  readonly tls: EtcdTlsFiles
}

/** What others have to know of it. */
export interface MemberPlace {
  /** Where the other members reach it. */
  readonly peer: string
  /** Where it answers clients; undefined: it does not. */
  readonly endpoint: string | undefined
}

interface Ports {
  readonly clock: Clock
  readonly log: Log
  readonly members: EtcdMembers
  /** The cluster's, as it is now. */
  readonly authority: () => Promise<AuthorityRecord>
  /** Called after each look. */
  readonly publish: (place: MemberPlace) => Promise<void>
}

/** How often is looked whether the others have changed. */
const LOOK_MS = 20_000
const RETRY_MS = 2_000

/**
 * The etcd beside a manager: it becomes a member of the store, gets a vote where that is of use, and says where it answers. All of it
 * goes on beside the manager, which works by the other members until then.
 */
export class StoreMember {
  /** What it is told of certificates that were taken back. */
  readonly revocations: StoreRevocations
  readonly #peer: string
  readonly #options: StoreMemberOptions
  readonly #ports: Ports
  readonly #scope: Scope
  #etcd: OwnEtcd | undefined
  #starting: Promise<OwnEtcd> | undefined
  #endpoint: string | undefined
  #complaint = ''

  constructor(options: StoreMemberOptions, ports: Ports, scope: Scope) {
    this.#options = options
    this.#ports = ports
    this.#scope = scope
    this.#peer = peerOf(options.listen)
    const { clock, authority } = ports
    const hangUp = async (): Promise<void> => (await this.#started())?.hangUp()
    this.revocations = new StoreRevocations(options.dataRoot, { clock, authority, hangUp })
  }

  /** Where it answers clients; undefined: it does not yet. */
  get endpoint(): string | undefined {
    return this.#endpoint
  }

  /** Starts it as what it was, or as the first of a store. Resolves with how it ends. */
  async begin(): Promise<{ readonly ended: Promise<string> }> {
    const { endpoint, ended } = await this.#start(undefined)
    this.#endpoint = endpoint
    return { ended }
  }

  hasData(): Promise<boolean> {
    return hasEtcdData(this.#options.dataRoot)
  }

  /** Keeps it a member until the scope closes. */
  run(): void {
    const running = this.#run(this.#scope.signal)
    this.#scope.defer(() => running)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    while (!signal.aborted) {
      let pauseMs = LOOK_MS
      try {
        await this.#keepUp(signal)
        this.#complaint = ''
      } catch (error) {
        if (signal.aborted) return
        const complaint = errorMessage(error)
        if (complaint !== this.#complaint)
          log.warn({ error: complaint }, 'is not in step with the store yet, will try again')
        this.#complaint = complaint
        pauseMs = RETRY_MS
      }
      await sleep(clock, pauseMs, signal).catch(() => {})
    }
  }

  async restart(): Promise<void> {
    await (await this.#started())?.restart()
  }

  /** One that is starting has read already what may have changed. */
  async #started(): Promise<OwnEtcd | undefined> {
    return this.#starting?.catch(() => undefined)
  }

  async #keepUp(signal: AbortSignal): Promise<void> {
    if (this.#etcd === undefined) {
      const hasData = await this.hasData()
      // One that others run is none of ours to join.
      if (!hasData && (await this.#ports.authority()).hasForeignStore === true) return
      const joins = hasData ? undefined : await this.#expect(signal)
      signal.throwIfAborted()
      await this.#start(joins)
    }
    const endpoint = await this.#settle()
    this.#endpoint = endpoint
    await this.#ports.publish({ peer: this.#peer, endpoint })
  }

  /** Has the others expect it; resolves with where they are. */
  async #expect(signal: AbortSignal): Promise<readonly string[]> {
    const { members } = this.#ports
    const own = this.#url
    for (;;) {
      signal.throwIfAborted()
      const known = await members.list()
      const step = planJoin(known, own)
      if (step.kind === 'start') return urlsOf(known, own)
      if (step.kind === 'add') {
        // Known first: with its name it can be taken out again if it never starts, and nobody else could join until then.
        await this.#ports.publish({ peer: this.#peer, endpoint: undefined })
        return urlsOf(await members.add(own), own)
      }
      if (step.kind === 'wait') {
        throw unavailable(
          'STORE_BUSY',
          `another manager is about to keep a copy, at ${step.url}: start it, or take it out with swarm cert revoke NAME`,
        )
      }
      if (step.kind === 'apart') {
        throw unavailable(
          'STORE_APART',
          `a member of the store answers on its own host alone, at ${step.url}: start its manager with --etcd-listen and an address of that host`,
        )
      }
      if (step.kind === 'forget') await members.remove(step.id)
      else await this.#promoteOther(step)
    }
  }

  /** etcd would have one vote that has caught up and died since: of two voters that would be one too few. */
  async #promoteOther({ id, url }: { readonly id: string; readonly url: string }): Promise<void> {
    const { members, clock } = this.#ports
    if (!(await isPeerThere(url, this.#options.tls, clock))) {
      throw unavailable(
        'STORE_BUSY',
        `the manager at ${url} has to vote first, and does not answer: start it, or take it out with swarm cert revoke NAME`,
      )
    }
    await members.promote(id)
  }

  async #start(joins: readonly string[] | undefined): Promise<OwnEtcd> {
    const { dataRoot, listen, name, tls } = this.#options
    const { clock, log } = this.#ports
    await mkdir(join(dataRoot, 'trust'), { recursive: true, mode: 0o700 })
    await this.revocations.prepare()
    const member = { name, peer: this.#peer, peerHostName: MANAGER_HOST, ...(joins === undefined ? {} : { joins }) }
    const files = { ...tls, revocations: this.revocations.path }
    const at = { dataDir: dataRoot, host: listen.host, clientPort: listen.port, tls: files, member }
    this.#starting = openOwnEtcd(at, { clock, log }, this.#scope)
    this.#etcd = await this.#starting
    return this.#etcd
  }

  /** Puts right what the others know of it. Resolves with where it answers, if it does. */
  async #settle(): Promise<string | undefined> {
    const { members, log } = this.#ports
    const known = await members.list()
    const own = this.#among(known)
    if (own === undefined) {
      throw unavailable('STORE_LEFT', 'the store does not know this host any more: it was taken out of the cluster')
    }
    if (!own.peerUrls.includes(this.#url)) await members.move(own.id, this.#url)
    if (!own.isLearner) return this.#etcd?.endpoint
    if (!isToVote(known, own.id)) return undefined
    await members.promote(own.id)
    log.info({ voters: known.filter(({ isLearner }) => !isLearner).length + 1 }, 'votes in the store')
    return this.#etcd?.endpoint
  }

  /** By its name where its address has changed. */
  #among(known: readonly Member[]): Member | undefined {
    return (
      known.find(({ peerUrls }) => peerUrls.includes(this.#url)) ??
      known.find(({ name }) => name === this.#options.name)
    )
  }

  get #url(): string {
    return `https://${this.#peer}`
  }
}

function urlsOf(members: readonly Member[], own: string): readonly string[] {
  return members.flatMap(({ peerUrls }) => peerUrls).filter(url => url !== own)
}

/** etcd's own words for what it does not do, as it could not go on. */
const TOO_FEW = /not enough started members|unhealthy cluster/

/** The copies of the store, as whoever takes certificates back has to do with them. */
export function storeCopies(members: EtcdMembers): StoreCopies {
  return {
    async remove(peer) {
      const id = planLeave(await members.list(), `https://${peer}`)
      if (id === undefined) return
      try {
        await members.remove(id)
      } catch (error) {
        if (!TOO_FEW.test(errorMessage(error))) throw error
        throw conflict(
          'STORE_NEEDS_IT',
          `Cannot take the copy of the store at ${peer} out: too few that vote and answer would be left. Start the other managers first, or add one`,
          { cause: error, details: { refused: true } },
        )
      }
    },
  }
}
