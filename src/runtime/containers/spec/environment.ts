const PATH_DEFAULT = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The variables of a process: Docker's own first, then `lists`, later ones replacing earlier ones in place. */
export function environmentOf(
  { hostname, tty }: { readonly hostname: string; readonly tty: boolean },
  ...lists: readonly (readonly string[])[]
): string[] {
  return mergeEnvironment([PATH_DEFAULT, `HOSTNAME=${hostname}`, ...(tty ? ['TERM=xterm'] : [])], ...lists)
}

/**
 * What a container is configured with: its own entries as they were given, then the image's that it does not name. A bare
 * `NAME` among them hides the image's, and is kept.
 */
export function configuredEnvironment(own: readonly string[], image: readonly string[]): string[] {
  const taken = new Set(own.map(nameOf))
  return [...own, ...image.filter(entry => !taken.has(nameOf(entry)))]
}

function nameOf(entry: string): string {
  return entry.split('=', 1)[0] ?? ''
}

/** Joins lists of `NAME=value` by name; a bare `NAME` removes the variable. */
export function mergeEnvironment(...lists: readonly (readonly string[])[]): string[] {
  const values = new Map<string, string>()
  for (const entry of lists.flat()) {
    const equals = entry.indexOf('=')
    if (equals < 0) values.delete(entry)
    else values.set(entry.slice(0, equals), entry.slice(equals + 1))
  }
  return [...values].map(([name, value]) => `${name}=${value}`)
}
