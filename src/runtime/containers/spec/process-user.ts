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

/** Ids are positive and fit into 31 bits. Source: Docker. */
const ID_MAX = 2 ** 31 - 1
const LINES_MAX = 100_000

/**
 * Resolves docker's `user[:group]`, names or numbers, with the texts of the container's account files. What consists of
 * digits is always a number, whatever a file calls so; one that is not listed is taken as it is, with group 0. Without a
 * group the user has those that list it as a member; `groupAdd` are further groups.
 *
 * Throws docker's 400 for names that the files do not have and for numbers out of range.
 */
export function resolveUser(
  user: string,
  files: { readonly passwd: string; readonly group: string },
  groupAdd: readonly string[] = [],
): OciUser {
  const [userPart = '', groupPart = ''] = user.split(/:(.*)/s)
  const groups = parseGroups(files.group)
  const account = findUser(userPart === '' ? '0' : userPart, parsePasswd(files.passwd))
  const gid = groupPart === '' ? account.gid : findGroup(groupPart, groups)
  const member = groups.filter(group => groupPart === '' && account.name !== '' && group.members.includes(account.name))
  const added = groupAdd.map(text => findAddedGroup(text, groups))
  const additionalGids = new Set([gid, ...member.map(group => group.gid), ...added])
  return { uid: account.uid, gid, additionalGids: [...additionalGids] }
}

function findUser(text: string, passwd: readonly PasswdEntry[]): PasswdEntry {
  const number = readId(text)
  const entry = passwd.find(({ name, uid }) => (number === undefined ? name === text : uid === number))
  if (entry !== undefined) return entry
  if (number !== undefined) return { name: '', uid: number, gid: 0 }
  throw invalidInput('UNKNOWN_USER', `unable to find user ${text}: no matching entries in passwd file`)
}

function findGroup(text: string, groups: readonly GroupEntry[]): number {
  const gid = readId(text) ?? groups.find(({ name }) => name === text)?.gid
  if (gid !== undefined) return gid
  throw invalidInput('UNKNOWN_GROUP', `unable to find group ${text}: no matching entries in group file`)
}

/** Unlike elsewhere a name of digits counts here. Source: Docker. */
function findAddedGroup(text: string, groups: readonly GroupEntry[]): number {
  const gid = groups.find(({ name }) => name === text)?.gid ?? readId(text)
  if (gid !== undefined) return gid
  throw invalidInput('UNKNOWN_GROUP', `Unable to find group ${text}: no matching entries in group file`)
}

/** The number a text is; undefined if it is none. Throws 400 if it is out of range. */
function readId(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const id = Number(text)
  if (id >= 0 && id <= ID_MAX) return id
  throw invalidInput('ID_OUT_OF_RANGE', `uids and gids must be in range 0-${ID_MAX}`)
}

function listedId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= ID_MAX ? Number(text) : undefined
}

function parsePasswd(text: string): PasswdEntry[] {
  return rows(text)
    .filter(fields => listedId(fields[3] ?? '') !== undefined)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
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
    .split('\n', LINES_MAX)
    .filter(line => !line.startsWith('#'))
    .map(line => line.trim().split(':'))
    .filter(fields => listedId(fields[2] ?? '') !== undefined)
}
