import { invalidInput } from '../../../core/errors.ts'
import type { OciUser } from './oci-types.ts'

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
}
interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/** Whether resolving a user needs the container's /etc/passwd and /etc/group at all. */
export function needsAccountFiles(user: string): boolean {
  return user !== '' && !/^(0|root)(:(0|root))?$/.test(user)
}

/**
 * Resolves docker's `user[:group]`, names or numbers, with the texts of the container's account files.
 *
 * A number that is not listed is taken as it is, with group 0; an unknown name is refused with docker's words.
 */
export function resolveUser(user: string, files: { readonly passwd: string; readonly group: string }): OciUser {
  const [userPart = '', groupPart] = user.split(':')
  const passwd = parsePasswd(files.passwd)
  const groups = parseGroups(files.group)
  const account = userPart === '' ? rootOf(passwd) : findUser(userPart, passwd)
  if (groupPart !== undefined && groupPart !== '') {
    return { uid: account.uid, gid: findGroup(groupPart, groups), additionalGids: [] }
  }
  const additional = groups.filter(group => account.name !== '' && group.members.includes(account.name))
  return {
    uid: account.uid,
    gid: account.gid,
    additionalGids: additional.map(group => group.gid).filter(gid => gid !== account.gid),
  }
}

function rootOf(passwd: readonly PasswdEntry[]): PasswdEntry {
  return passwd.find(entry => entry.uid === 0) ?? { name: 'root', uid: 0, gid: 0 }
}

function findUser(text: string, passwd: readonly PasswdEntry[]): PasswdEntry {
  const number = readId(text)
  const entry = passwd.find(({ name }) => name === text) ?? passwd.find(({ uid }) => uid === number)
  if (entry !== undefined) return entry
  if (number !== undefined) return { name: '', uid: number, gid: 0 }
  throw invalidInput('UNKNOWN_USER', `unable to find user ${text}: no matching entries in passwd file`)
}

function findGroup(text: string, groups: readonly GroupEntry[]): number {
  const gid = groups.find(({ name }) => name === text)?.gid ?? readId(text)
  if (gid !== undefined) return gid
  throw invalidInput('UNKNOWN_GROUP', `unable to find group ${text}: no matching entries in group file`)
}

function readId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : undefined
}

function parsePasswd(text: string): PasswdEntry[] {
  return rows(text).map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
}

function parseGroups(text: string): GroupEntry[] {
  return rows(text).map(([name = '', , gid, members = '']) => ({
    name,
    gid: Number(gid),
    members: members.split(',').filter(member => member !== ''),
  }))
}

/** Lines of colon-separated fields whose third is a number; anything else in the file is somebody's mistake. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter(line => !line.startsWith('#'))
    .map(line => line.trim().split(':'))
    .filter(fields => readId(fields[2] ?? '') !== undefined)
}
