import { readFileSync } from 'node:fs'

/** What the host resolves names with; read anew each time, for it changes with the host's network. */
export function readHostResolver(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return ''
  }
}
