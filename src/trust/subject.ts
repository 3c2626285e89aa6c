import { invalidInput } from '../core/errors.ts'

/** What a certificate of the cluster lets its owner do. */
export const ROLES = ['manager', 'node', 'client'] as const
export type Role = (typeof ROLES)[number]

/** Who a certificate speaks for. As in swarm mode: CN is the name, OU the role, O the cluster's id. */
export interface Subject {
  readonly name: string
  readonly role: Role
  readonly clusterId: string
}

/** Names are parts of keys of the store, users there, and parts of distinguished names: nothing in them may mean more. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/
/** The host name that managers, and the stores they start, are known by beside their addresses: nobody else is certified to be it. */
export const MANAGER_HOST = 'manager.shoal.internal'
/** `root` is whoever administers etcd. */
const RESERVED = ['root', 'localhost', MANAGER_HOST]

export function isRole(text: unknown): text is Role {
  return ROLES.some(role => role === text)
}

export function isSubjectName(text: unknown): text is string {
  return typeof text === 'string' && NAME.test(text) && !RESERVED.includes(text.toLowerCase())
}

/** Throws 400 BAD_NAME. */
export function checkSubjectName(text: unknown): string {
  if (isSubjectName(text)) return text
  throw invalidInput(
    'BAD_NAME',
    `Cannot make a certificate for the name ${JSON.stringify(text)}: use letters, digits and inner . _ -, 63 at most, and not ${RESERVED.join(', ')}`,
  )
}
