import { execFileSync } from 'node:child_process'

export interface DockerProgram {
  readonly title: string
  readonly program: string
  /** It is not installed here. */
  readonly skip: boolean
}

/** The docker command lines to try: Debian's, and the one on the PATH if it is of the newest generation. */
export function dockerPrograms(): readonly DockerProgram[] {
  const debian = versionOf('/usr/bin/docker')
  const newest = versionOf('docker')
  return [
    { title: `docker ${debian ?? '20.10'} of Debian`, program: '/usr/bin/docker', skip: debian === undefined },
    { title: `docker ${newest ?? '28'} on the PATH`, program: 'docker', skip: !(newest ?? '').startsWith('28.') },
  ]
}

function versionOf(program: string): string | undefined {
  try {
    return /version ([\d.]+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8', timeout: 10_000 }))?.[1]
  } catch {
    return undefined
  }
}
