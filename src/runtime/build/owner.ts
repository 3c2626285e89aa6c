import { invalidInput } from '../../core/errors.ts'
import { readFileInside } from '../linux/fd-path.ts'

/** Reads `user[:group]` against the account files of a root; numbers need no entry. */
export function resolveOwner(root: string, text: string | undefined): { readonly uid: number; readonly gid: number } {
  if (text === undefined) return { uid: 0, gid: 0 }
  const [user = '', group] = text.split(':')
  const account = readTable(root, 'etc/passwd').find(([name]) => name === user)
  const uid = /^\d+$/.test(user) ? Number(user) : numberOf(account?.[2], `user "${user}"`, 'etc/passwd')
  if (group === undefined) return { uid, gid: account === undefined ? uid : Number(account[3]) }
  const entry = readTable(root, 'etc/group').find(([name]) => name === group)
  return { uid, gid: /^\d+$/.test(group) ? Number(group) : numberOf(entry?.[2], `group "${group}"`, 'etc/group') }
}

function readTable(root: string, path: string): readonly (readonly string[])[] {
  const content = readFileInside(root, path)?.toString() ?? ''
  return content.split('\n').map(line => line.split(':'))
}

function numberOf(text: string | undefined, what: string, file: string): number {
  if (text !== undefined && /^\d+$/.test(text)) return Number(text)
  throw invalidInput('NO_SUCH_OWNER', `The ${what} is not in /${file} of the image: use a number, or add it with RUN`)
}
