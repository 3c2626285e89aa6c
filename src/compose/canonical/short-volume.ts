import type { Tree } from '../tree.ts'

const PROPAGATION = ['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave']

/**
 * Reads `[source:]target[:options]`. A source that begins with `.`, `/`, `~`, a drive letter or a backslash is a path of the
 * host; any other is the name of a volume; none is an anonymous volume. Throws RangeError with the reason.
 */
export function parseShortVolume(text: string): Tree {
  if (text.trim() === '') throw new RangeError('invalid empty volume spec')
  const parts = splitColons(text)
  if (parts.length > 3) throw new RangeError(`invalid spec: ${text}: too many colons`)
  if (parts.some(part => part === '')) throw new RangeError(`invalid spec: ${text}: empty section between colons`)
  const [first = '', second, third] = parts
  if (second === undefined) return { type: 'volume', target: first, volume: {} }
  const bind = /^(?:[./~\\]|[A-Za-z]:[\\/])/.test(first)
  const base: Tree = { type: bind ? 'bind' : 'volume', source: first, target: second }
  return { ...base, ...(third === undefined ? defaults(bind) : optionsOf(third.split(','), bind)) }
}

function defaults(bind: boolean): Tree {
  return bind ? { bind: { create_host_path: true } } : { volume: {} }
}

function optionsOf(options: readonly string[], bind: boolean): Tree {
  const propagation = options.find(option => PROPAGATION.includes(option))
  const selinux = options.find(option => option === 'z' || option === 'Z')
  return {
    ...(options.includes('ro') ? { read_only: true } : {}),
    ...(bind
      ? {
          bind: {
            create_host_path: true,
            ...(propagation === undefined ? {} : { propagation }),
            ...(selinux === undefined ? {} : { selinux }),
          },
        }
      : { volume: options.includes('nocopy') ? { nocopy: true } : {} }),
  }
}

/** `C:\\…`, and `C:/…` where a path follows behind the next colon: `v:/data` is a volume with a short name. */
const DRIVE = /^[A-Za-z]:(?:\\|\/[^:]*:(?=\/|[A-Za-z]:\\))/

/** Splits at colons, except the one behind a drive letter. */
function splitColons(text: string): string[] {
  const drive = DRIVE.test(text) ? text.slice(0, 2) : ''
  const [source = '', ...rest] = text.slice(drive.length).split(':')
  // A Windows target has a drive too.
  const target = /^[A-Za-z]$/.test(rest[0] ?? '') && rest[1]?.startsWith('\\') === true
  return [`${drive}${source}`, ...(target ? [rest.slice(0, 2).join(':'), ...rest.slice(2)] : rest)]
}
