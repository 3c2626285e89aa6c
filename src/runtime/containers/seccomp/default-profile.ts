import { readFile } from 'node:fs/promises'
import { errorCode, failed } from '../../../core/errors.ts'
import { denyByDefault } from './deny-by-default.ts'
import { hardenProfile } from './harden.ts'
import { parseSeccompProfile, type SeccompProfile } from './profile.ts'

/** Where distributions put the profile that container engines share. */
const PLACES = ['/usr/share/containers/seccomp.json', '/etc/containers/seccomp.json']

/** The profile of containers that name none: the distribution's, hardened. Undefined if the machine has none. */
export async function readDefaultProfile(
  runtime: string,
  places: readonly string[] = PLACES,
): Promise<SeccompProfile | undefined> {
  for (const path of places) {
    try {
      const profile = hardenProfile(parseSeccompProfile(await readFile(path, 'utf8')))
      // Only runc is known to answer ENOSYS to calls that are newer than the profile.
      return runtime === 'runc' ? denyByDefault(profile) : profile
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw failed('BAD_SECCOMP_PROFILE', `Cannot use ${path}`, { cause: error })
    }
  }
  return undefined
}
