import { errorMessage } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { ClusterKeys } from '../keys.ts'
import { prefixEnd } from './etcd-codec.ts'
import { type AuthCalls, type EtcdOptions, openEtcdWire } from './etcd-wire.ts'

/** Who may do what in an etcd that tells its users apart by the names in their certificates. */
export interface EtcdUsers {
  /** Lets managers do everything, and has etcd refuse whoever is no user. May be repeated. */
  readonly enable: (manager: string) => Promise<void>
  /** Makes a user; one that is there keeps what it may do. */
  readonly ensure: (name: string, role: 'manager' | 'node' | 'client') => Promise<void>
  readonly remove: (name: string) => Promise<void>
  readonly close: () => void
}

/** The user, and the role, that etcd itself gives every right; it must be there before users are told apart. */
const ROOT = 'root'
const PASSWORD_BYTES = 32

/** Somebody did it before, or somebody else at the same time. */
const MADE_ALREADY = /already exists|already granted|already enabled/i
const GONE_ALREADY = /not found/i

type AuthWork = (auth: AuthCalls, deadline: { readonly deadline: Date }) => Promise<unknown>

export function createEtcdUsers(
  options: EtcdOptions,
  { keys, random }: { readonly keys: ClusterKeys; readonly random: Random },
): EtcdUsers {
  const wire = openEtcdWire(options)
  const ask = (work: AuthWork, isDone = MADE_ALREADY): Promise<void> =>
    wire.administer(work).then(
      () => {},
      (error: unknown) => {
        if (!isDone.test(errorMessage(error))) throw error
      },
    )
  const addUser = async (name: string, role: string): Promise<void> => {
    // Nobody knows the password, so nobody is let in by one: certificates tell who is who.
    const password = random.bytes(PASSWORD_BYTES).toString('hex')
    await ask((auth, deadline) => auth.userAdd({ name, password }, deadline))
    await ask((auth, deadline) => auth.userGrantRole({ user: name, role }, deadline))
  }
  return {
    async enable(manager) {
      await ask((auth, deadline) => auth.roleAdd({ name: ROOT }, deadline))
      await addUser(ROOT, ROOT)
      await addUser(manager, ROOT)
      await ask((auth, deadline) => auth.authEnable(deadline))
    },
    async ensure(name, role) {
      if (role === 'manager') return addUser(name, ROOT)
      if (role === 'client') return
      const own = roleOf(name)
      await ask((auth, deadline) => auth.roleAdd({ name: own }, deadline))
      for (const { permType, prefix, isExact = false } of rightsOfNode(name, keys)) {
        const range_end = isExact ? Buffer.alloc(0) : prefixEnd(prefix)
        const perm = { permType, key: Buffer.from(prefix), range_end }
        await ask((auth, deadline) => auth.roleGrantPermission({ name: own, perm }, deadline))
      }
      await addUser(name, own)
    },
    async remove(name) {
      await ask((auth, deadline) => auth.userDelete({ name }, deadline), GONE_ALREADY)
      await ask((auth, deadline) => auth.roleDelete({ role: roleOf(name) }, deadline), GONE_ALREADY)
    },
    close: wire.close,
  }
}

function roleOf(name: string): string {
  return `node-${name}`
}

interface Right {
  readonly permType: 'Read' | 'Readwrite'
  readonly prefix: string
  /** This key alone, and not all that begin so. */
  readonly isExact?: boolean
}

/**
 * What an agent reads and writes. Endpoints are claimed by whoever comes first, so that their keys cannot belong to anybody; files of
 * projects are read by the nodes that run them.
 */
export function rightsOfNode(name: string, keys: ClusterKeys): readonly Right[] {
  return [
    { permType: 'Read', prefix: keys.meta, isExact: true },
    ...[keys.members, keys.networks, keys.services, keys.volumes, keys.files, keys.publicTrust].map(
      (prefix): Right => ({ permType: 'Read', prefix }),
    ),
    { permType: 'Read', prefix: keys.tasksOf(name) },
    { permType: 'Readwrite', prefix: keys.member(name), isExact: true },
    { permType: 'Readwrite', prefix: keys.statusOf(name, '') },
    { permType: 'Readwrite', prefix: keys.endpoints },
  ]
}
