import { readFile } from 'node:fs/promises'
import { badFlag } from '../../cli/index.ts'

/** The number of a group of this host, by its name or as it is. Throws BAD_FLAG if there is none of that name. */
export async function groupNumber(group: string, path = '/etc/group'): Promise<number> {
  if (/^\d{1,9}$/.test(group)) return Number(group)
  const text = await readFile(path, 'utf8').catch(() => '')
  const found = text.split('\n').find(line => line.startsWith(`${group}:`))
  const gid = found?.split(':')[2]
  if (gid !== undefined && group !== '') return Number(gid)
  throw badFlag(`Cannot use --group "${group}": this host has no such group; make it (groupadd ${group || 'docker'})`)
}
