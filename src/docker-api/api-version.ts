import { invalidInput } from '../core/errors.ts'

/** The newest version of the Docker Engine API that is served, and the oldest. */
export const API_VERSION = '1.47'
export const API_VERSION_MIN = '1.24'
/** Older than what is promised, yet answered: skopeo's `docker-daemon:` asks for 1.22, and Docker 20.10 serves it. */
const API_VERSION_ANSWERED = '1.12'

const PREFIX = /^\/v(\d+\.\d+)(?=\/)/

/** The version prefix of a path such as `/v1.41/info`; undefined if it has none. Shoal's own `/v1/` is not one. */
export function versionOf(path: string): string | undefined {
  return PREFIX.exec(path)?.[1]
}

export function stripVersion(path: string): string {
  return path.replace(PREFIX, '')
}

/** The version a request speaks: its prefix, or the newest one if it has none. */
export function spokenVersion(url: string): string {
  return versionOf(url) ?? API_VERSION
}

/** Whether a version is an earlier one than another: `isBefore('1.41', '1.42')`. */
export function isBefore(version: string, other: string): boolean {
  return compareVersions(version, other) < 0
}

function compareVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number)
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number)
  return aMajor - bMajor || aMinor - bMinor
}

/** Whether a client asked for a version before the given one; without a version it gets the newest. */
export function isOlderThan(version: string | undefined, than: string): boolean {
  return version !== undefined && compareVersions(version, than) < 0
}

/** Throws in Docker's words if a client asks for a version that is not served. */
export function checkVersion(version: string): void {
  if (compareVersions(version, API_VERSION) > 0) {
    throw invalidInput(
      'API_TOO_NEW',
      `client version ${version} is too new. Maximum supported API version is ${API_VERSION}`,
    )
  }
  if (compareVersions(version, API_VERSION_ANSWERED) < 0) {
    throw invalidInput(
      'API_TOO_OLD',
      `client version ${version} is too old. Minimum supported API version is ${API_VERSION_MIN}, please upgrade your client to a newer version`,
    )
  }
}
