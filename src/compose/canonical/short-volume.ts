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
  const bind = /^(?:[./~\\]|[A-Za-z]:[\\/])/.test(first) || first === '.'
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

/** Splits at colons, except the one behind a drive letter. */
function splitColons(text: string): string[] {
  const parts: string[] = []
  let current = ''
  for (let index = 0; index < text.length; index++) {
    const letter = text[index] ?? ''
    const drive = /^[A-Za-z]$/.test(current) && (text[index + 1] === '\\' || text[index + 1] === '/')
    const driveIsSource = drive && (parts.length === 0 || text[index + 1] === '\\')
    if (letter === ':' && !driveIsSource) {
      parts.push(current)
      current = ''
    } else current += letter
  }
  return [...parts, current]
}
