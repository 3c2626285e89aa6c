import { hostname } from 'node:os'
import { join } from 'node:path'
import type { CommandContext, Invocation } from '../../cli/index.ts'
import { failed } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Scope } from '../../core/scope.ts'
import {
  type ClusterKeys,
  clusterKeys,
  createEtcdMembers,
  createEtcdStore,
  createEtcdUsers,
  type EtcdOptions,
  type EtcdUsers,
  type Store,
} from '../../discovery/index.ts'
import {
  type AuthorityRecord,
  authorityCodec,
  confirmTrust,
  importAuthority,
  noteActed,
  noteCertificate,
  publishPlace,
  readAuthority,
  renewCertificate,
  signingOf,
  type TrustPorts,
  type TrustStore,
} from '../../manager/index.ts'
import {
  type CertificateMaker,
  createCertificateMaker,
  isIssuedBy,
  LiveIdentity,
  lifeOf,
  readCertificate,
  renewAtMs,
} from '../../trust/index.ts'
import {
  identityPaths,
  readIdentity,
  readKey,
  type StoredIdentity,
  writeIdentity,
  writeKey,
} from '../trust/identity-files.ts'
import { IdentityKeeper, type KeepPorts } from '../trust/keep-identity.ts'
import { readLocalAuthority, writeLocalAuthority } from '../trust/local-authority.ts'
import { obtainIdentity } from '../trust/obtain-identity.ts'
import { Places } from '../trust/places.ts'
import { isTokenGiven, readManagers, readToken } from '../trust/token-input.ts'
import { untilStoreAnswers } from './await-store.ts'
import type { ManageOptions } from './manager-options.ts'
import { type MemberPlace, StoreMember, storeCopies } from './store-member.ts'

/** The part of a data root that a manager has for itself. */
export function managerIdentityDirectory(dataRoot: string): string {
  return join(dataRoot, 'manager', 'identity')
}

/** Whether `swarm manage` on this data root works with certificates of the cluster: it has some, or a token to get some. */
export async function hasTrust({ options }: Pick<Invocation, 'options'>, dataRoot: string): Promise<boolean> {
  if (isTokenGiven(options)) return true
  if ((await readLocalAuthority(dataRoot)) !== undefined) return true
  return (await readIdentity(managerIdentityDirectory(dataRoot))) !== undefined
}

export interface SecureStore {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly identity: LiveIdentity
  readonly trust: TrustPorts
  /** Tells how the store that was started here ended; undefined: others run it. */
  readonly storeEnded: Promise<string> | undefined
  /** This host keeps a copy of the store. */
  readonly isMember: boolean
  /** Tells the members where this manager answers. */
  readonly announce: () => Promise<void>
  /** Follows the cluster's trust and renews the manager's certificate, until the signal is aborted. */
  readonly keep: (signal: AbortSignal) => Promise<void>
}

export interface SecurePorts {
  readonly invocation: Invocation
  readonly context: CommandContext
  readonly log: Log
  /** Where the other managers are, as far as this one knows. */
  readonly managers: () => readonly string[]
}

/** The store of a cluster with certificates: one of our own, which starts with them, or another, which takes them. */
export async function openSecureStore(options: ManageOptions, ports: SecurePorts, scope: Scope): Promise<SecureStore> {
  const { context, log, managers } = ports
  const { clock, random } = context
  const maker = createCertificateMaker(random)
  const directory = managerIdentityDirectory(options.dataRoot)
  const local = await readLocalAuthority(options.dataRoot)
  const { credentials, membership } = await ownIdentity(options, { local, maker, ...ports })
  const identity = new LiveIdentity(credentials)
  const places = new Places(membership)
  const { name } = credentials.subject
  const { store, keys, users, copies, cluster, endpoints, member, storeEnded } = await openStoreOf(
    { options, name, local, cluster: membership.cluster, places, tls: options.storeTls ?? identity.own() },
    { ...context, log },
    scope,
  )
  const trust: TrustPorts = {
    store,
    keys,
    clock,
    random,
    log,
    maker,
    managers: () => unique([...managers(), ...places.managers]),
    cluster,
    storeEndpoints: endpoints,
    ...(users === undefined ? {} : { users }),
    ...(copies === undefined ? {} : { copies }),
  }
  if (local !== undefined) {
    const made = { ...local, hasForeignStore: member === undefined }
    const first = { local: made, users, certificate: credentials.certificate, name }
    const waiting = { clock, log, signal: context.signal, where: `etcd://${endpoints().join(',')}`, ended: storeEnded }
    await untilStoreAnswers(() => setUp(first, trust), waiting)
  }
  const isMember = (await member?.hasData()) ?? false
  member?.run()
  const inStep = async (): Promise<void> => {
    if (local !== undefined) await copyAuthority(options.dataRoot, trust)
  }
  const keeper = new IdentityKeeper({
    ...trust,
    ...ownRequests(identity, trust, inStep),
    identity,
    directory,
    membership,
    places,
    async trustsChanged() {
      await member?.restart()
      await inStep()
    },
    revokedChanged: actOnRevoked(name, trust, member),
  })
  scope.defer(() => keeper.close())
  const announce = () => publishPlace({ name, address: options.advertise }, trust)
  return { store, keys, identity, trust, storeEnded, isMember, announce, keep: signal => keeper.run(signal) }
}

interface Opening {
  readonly options: ManageOptions
  /** Of this manager. */
  readonly name: string
  /** The authority, on the host that made it. */
  readonly local: AuthorityRecord | undefined
  readonly cluster: string
  readonly places: Places
  readonly tls: NonNullable<EtcdOptions['tls']>
}

/** The store as this manager reaches it: by the member of it beside it, if there is one, and by the others. */
async function openStoreOf(
  { options, name, local, places, tls, ...joined }: Opening,
  { clock, random, log }: Pick<CommandContext, 'clock' | 'random'> & { readonly log: Log },
  scope: Scope,
) {
  const { discovery, dataRoot } = options
  const given = discovery?.scheme === 'etcd' ? discovery : undefined
  const cluster = given?.cluster ?? joined.cluster
  const keys = clusterKeys(cluster)
  let member: StoreMember | undefined
  const endpoints = (): readonly string[] => given?.endpoints ?? unique([member?.endpoint, ...places.storeEndpoints])
  const storeOptions = { endpoints, clock, tls }
  const inStore = (): TrustStore => ({ store, keys })
  const members = createEtcdMembers(storeOptions)
  scope.defer(members.close)
  if (discovery === undefined && (local !== undefined || options.isStoreGiven)) {
    const files = identityPaths(managerIdentityDirectory(dataRoot))
    const memberPorts = {
      clock,
      log,
      members,
      authority: async () => (local === undefined ? (await readAuthority(inStore())).value : keptAuthority(dataRoot)),
      publish: (at: MemberPlace) => publishPlace({ name, address: options.advertise, member: at }, inStore()),
    }
    member = new StoreMember({ dataRoot, listen: options.etcdListen, name, tls: files }, memberPorts, scope)
  }
  // Without the first one there is no store to ask.
  const storeEnded = local === undefined ? undefined : (await member?.begin())?.ended
  const store = await scope.open(
    () => createEtcdStore(storeOptions),
    opened => opened.close(),
  )
  const users = options.storeTls === undefined ? createEtcdUsers(storeOptions, { keys, random }) : undefined
  if (users !== undefined) scope.defer(users.close)
  const copies = given === undefined ? storeCopies(members) : undefined
  return { store, keys, users, copies, cluster, endpoints, member, storeEnded }
}

function unique(all: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(all.filter(each => each !== undefined))]
}

/** A manager asks itself for what others ask it. */
function ownRequests(
  identity: LiveIdentity,
  trust: TrustPorts,
  inStep: () => Promise<void>,
): Pick<KeepPorts, 'renew' | 'confirm'> {
  const shown = () => {
    const { subject, certificate } = identity.credentials
    const { fingerprint, keyDigest } = readCertificate(certificate)
    return { subject, fingerprint, keyDigest, remoteAddress: undefined }
  }
  return {
    async renew(csr) {
      const issued = await renewCertificate(csr, shown(), trust)
      await inStep()
      return issued
    },
    async confirm(trusts) {
      const { subject, fingerprint, keyDigest } = shown()
      await confirmTrust({ name: subject.name, fingerprint, keyDigest, trusts }, trust)
      await inStep()
    },
  }
}

async function keptAuthority(dataRoot: string): Promise<AuthorityRecord> {
  const record = await readLocalAuthority(dataRoot)
  if (record !== undefined) return record
  throw failed('BAD_RECORD', `The authority in ${dataRoot} is not there any more: restore a backup`)
}

/** Brings the store's member of this host to refuse what was taken back, and tells the cluster that this manager has acted on it. */
function actOnRevoked(
  name: string,
  trust: TrustPorts,
  member: StoreMember | undefined,
): NonNullable<KeepPorts['revokedChanged']> {
  /** The last that was acted on, as the store was told. */
  let noted: number | undefined
  return async (revoked, revision) => {
    await member?.revocations.apply(revoked)
    if (revision === noted) return
    await noteActed({ name, revision }, trust)
    noted = revision
  }
}

interface IdentitySources extends SecurePorts {
  readonly local: AuthorityRecord | undefined
  readonly maker: CertificateMaker
}

async function ownIdentity(options: ManageOptions, sources: IdentitySources): Promise<StoredIdentity> {
  const { invocation, context, local, maker } = sources
  const directory = managerIdentityDirectory(options.dataRoot)
  const name = invocation.options.text('name') ?? `manager-${hostname()}`
  const hosts = hostsOf(options)
  if (local !== undefined)
    return selfSigned({ local, directory, name, hosts, cluster: options.cluster }, { maker, clock: context.clock })
  const isMember = (await readIdentity(directory)) !== undefined
  const token = await readToken(invocation.options, context, { isMember })
  const { options: flags } = invocation
  const wish = { directory, name, role: 'manager' as const, hosts, token, managers: readManagers(flags) }
  return obtainIdentity(wish, { maker, clock: context.clock, signal: context.signal })
}

/** Under all of which a manager and its store are found; not what only stands for "any". */
function hostsOf({ advertise, etcdListen, hosts }: ManageOptions): readonly string[] {
  const listening = hosts.flatMap(host => /^(?:tcp:\/\/)?\[?([^/\]]+?)\]?:\d+$/.exec(host)?.[1] ?? [])
  const advertised = advertise.slice(0, advertise.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  const all = [advertised, etcdListen.host, ...listening, '127.0.0.1', 'localhost', hostname()]
  return [...new Set(all)].filter(host => host !== '0.0.0.0' && host !== '::')
}

interface SelfSigned {
  readonly local: AuthorityRecord
  readonly directory: string
  readonly name: string
  readonly hosts: readonly string[]
  readonly cluster: string
}

/** The identity of the manager whose host has the authority: made anew when it has run out, or is for other hosts. */
async function selfSigned(
  { local, directory, name, hosts, cluster }: SelfSigned,
  { maker, clock }: { readonly maker: CertificateMaker; readonly clock: CommandContext['clock'] },
): Promise<StoredIdentity> {
  const { clusterId, authorities: pairs, signing } = local
  const authorities = pairs.map(({ certificate }) => certificate).join('')
  const nowMs = clock.nowMs()
  const known = await readIdentity(directory)
  if (known !== undefined) {
    const { certificate } = known.credentials
    const facts = readCertificate(certificate)
    const isGood = isIssuedBy(certificate, authorities) && nowMs < renewAtMs(facts) && facts.subject?.name === name
    if (isGood && hosts.every(host => facts.hosts.includes(host))) return known
  }
  const authority = signingOf(local)
  const kept = await readKey(directory)
  const { csr, key } = await maker.request({
    name,
    role: 'manager',
    hosts,
    ...(kept === undefined ? {} : { key: kept }),
  })
  if (kept === undefined) await writeKey(directory, key)
  const subject = { name, role: 'manager' as const, clusterId }
  const life = lifeOf(nowMs, local.certificateLifeMs, readCertificate(authority.certificate).notAfterMs)
  const certificate = `${await maker.sign({ csr, authority, subject, hosts, life })}${authority.certificate}`
  const membership = { cluster, storeEndpoints: [], managers: [], signing }
  const identity = { credentials: { subject, certificate, key, authorities }, membership }
  await writeIdentity(directory, identity)
  return identity
}

interface FirstManager {
  readonly local: AuthorityRecord
  readonly users: EtcdUsers | undefined
  readonly certificate: string
  readonly name: string
}

/** Tells users of the store apart, and puts the authority into it; all of it may have been done before. */
async function setUp({ local, users, certificate, name }: FirstManager, trust: TrustPorts): Promise<void> {
  await users?.enable(name)
  await importAuthority(local, trust)
  await noteCertificate(certificate, trust)
  if (local.hasForeignStore !== true) return
  const endpoints = trust.storeEndpoints()
  trust.log.warn(
    { endpoints },
    'the store is run by others: it is told which users are gone, and of no certificates that are taken back',
  )
}

async function copyAuthority(dataRoot: string, { store, keys }: TrustPorts): Promise<void> {
  const stored = await store.get(keys.authority)
  if (stored !== undefined) await writeLocalAuthority(dataRoot, authorityCodec.decode(stored.value))
}
