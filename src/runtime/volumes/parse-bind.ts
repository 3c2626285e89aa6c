import { cleanPath } from '../../core/clean-path.ts'
import { invalidInput } from '../../core/errors.ts'

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const
const CONSISTENCIES = ['consistent', 'cached', 'delegated'] as const
export type Propagation = (typeof PROPAGATIONS)[number]

/** One `-v` argument, read. */
export interface BindSpec {
  /** `bind`: `source` is an absolute path on the host. `volume`: a volume's name; absent if anonymous. */
  readonly type: 'bind' | 'volume'
  readonly source?: string
  readonly destination: string
  readonly readOnly: boolean
  readonly noCopy: boolean
  readonly propagation: Propagation
  /** As written, for `MountPoint.Mode`. */
  readonly mode: string
}

/**
 * Reads `src:dst[:mode,…]`, `name:dst[:mode]` or `dst` as docker's `-v` does.
 *
 * `z` and `Z` relabel for SELinux and consistency modes are for other systems: both are accepted and change nothing.
 */
export function parseBind(text: string): BindSpec {
  const invalid = (): never => {
    throw invalidInput('BAD_BIND', `invalid volume specification: '${text}': expected source:destination[:mode]`)
  }
  const parts = text.split(':')
  if (parts.length > 3 || parts.includes('')) return invalid()
  const [first = '', second, mode = ''] = parts
  if (second === undefined) {
    return { ...readMode(''), type: 'volume', destination: absoluteDestination(first, text), mode: '' }
  }
  const options = readMode(mode)
  const destination = absoluteDestination(second, text)
  if (first.startsWith('/')) return { ...options, type: 'bind', source: cleanPath(first), destination, mode }
  return { ...options, type: 'volume', source: first, destination, mode }
}

function readMode(mode: string): Pick<BindSpec, 'readOnly' | 'noCopy' | 'propagation'> {
  const words = mode === '' ? [] : mode.split(',')
  const invalid = (): never => {
    throw invalidInput('BAD_BIND_MODE', `invalid mode: ${mode}: expected ro, rw, z, Z, nocopy or a propagation`)
  }
  const known = ['ro', 'rw', 'z', 'Z', 'nocopy', ...PROPAGATIONS, ...CONSISTENCIES]
  if (!words.every(word => known.includes(word))) return invalid()
  const groups = [['ro', 'rw'], ['z', 'Z'], PROPAGATIONS, CONSISTENCIES]
  if (groups.some(group => words.filter(word => group.some(known => known === word)).length > 1)) return invalid()
  return {
    readOnly: words.includes('ro'),
    noCopy: words.includes('nocopy'),
    propagation: PROPAGATIONS.find(name => words.includes(name)) ?? 'rprivate',
  }
}

/** A destination inside a container: absolute, without `.` and `..`, not the root itself. */
export function absoluteDestination(path: string, what: string): string {
  if (!path.startsWith('/')) {
    throw invalidInput('BAD_MOUNT_TARGET', `invalid mount path: '${path}' in '${what}': the path must be absolute`)
  }
  const clean = cleanPath(path)
  if (clean === '/') {
    throw invalidInput('BAD_MOUNT_TARGET', `invalid volume specification: '${what}': destination can't be '/'`)
  }
  return clean
}

export function parsePropagation(text: string | undefined): Propagation {
  if (text === undefined || text === '') return 'rprivate'
  const found = PROPAGATIONS.find(name => name === text)
  if (found === undefined) {
    throw invalidInput(
      'BAD_PROPAGATION',
      `invalid propagation mode: ${text}: expected one of ${PROPAGATIONS.join(', ')}`,
    )
  }
  return found
}
