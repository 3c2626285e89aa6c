import { invalidInput } from '../../../core/errors.ts'
import { readFileInside } from '../../linux/files/fd-path.ts'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** The kernel's "no change", which is nobody's number. */
const ID_MAX = 0xffff_fffe

/**
 * Reads `user[:group]` against the account files of a root; numbers need no entry. A user alone brings the group of the
 * same name or number, or else the user's own. Throws NO_SUCH_OWNER with Docker's words.
 */
export function resolveOwner(root: string, text: string): Owner {
  const [user = '', group = '', ...more] = text.split(':')
  if (user === '' || more.length > 0) throw badOwner(`invalid chown string format: ${text}`)
  const account = readTable(root, 'etc/passwd').find(([name]) => name === user)
  const uid = readId(user) ?? readId(account?.[2] ?? '')
  if (uid === undefined) throw badOwner(`can't find uid for user ${user}: no such user: ${user}`)
  const name = group === '' ? user : group
  const gid = groupId(root, name) ?? (group === '' ? readId(account?.[3] ?? '') : undefined)
  if (gid === undefined) throw badOwner(`can't find gid for group ${name}: no such group: ${name}`)
  return { uid, gid }
}

function groupId(root: string, name: string): number | undefined {
  const entry = readTable(root, 'etc/group').find(([known]) => known === name)
  return readId(name) ?? readId(entry?.[2] ?? '')
}

/** Whether an owner can be told without an image's account files. */
export function isNumericOwner(text: string): boolean {
  return /^\d+(:\d+)?$/.test(text)
}

function readTable(root: string, path: string): readonly (readonly string[])[] {
  const content = readFileInside(root, path)?.toString() ?? ''
  return content.split('\n').map(line => line.split(':'))
}

function readId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined
  const id = Number(text)
  if (id <= ID_MAX) return id
  throw badOwner(`${text} is out of range: numbers go to ${ID_MAX}`)
}

function badOwner(why: string): Error {
  return invalidInput('NO_SUCH_OWNER', `unable to convert uid/gid chown string to host mapping: ${why}`)
}
