import { invalidInput } from '../../../core/errors.ts'
import type { HostConfig } from '../../../docker-api/index.ts'

/** Whose namespace a container lives in. */
export type NamespaceMode =
  | { readonly kind: 'private' | 'host' | 'shareable' | 'none' }
  | { readonly kind: 'container'; readonly reference: string }

export interface NamespaceModes {
  readonly pid: NamespaceMode
  readonly ipc: NamespaceMode
  readonly uts: NamespaceMode
  /** Undefined: the host's on cgroup v1, its own on v2. */
  readonly cgroup: NamespaceMode | undefined
}

/** Reads PidMode, IpcMode, UTSMode, CgroupnsMode and UsernsMode. Throws docker's 400 for a mode that there is not. */
export function readNamespaceModes(host: HostConfig): NamespaceModes {
  const { PidMode = '', IpcMode = '', UTSMode = '', CgroupnsMode = '', UsernsMode = '' } = host
  if (!['', 'host'].includes(UsernsMode)) throw bad(`invalid user namespace mode: ${UsernsMode}`)
  if (!['', 'host', 'private'].includes(CgroupnsMode)) throw bad(`invalid cgroup namespace mode: ${CgroupnsMode}`)
  if (!['', 'host'].includes(UTSMode)) throw bad(`invalid UTS mode: ${UTSMode}`)
  return {
    pid: modeOf(PidMode) ?? badMode('PID', PidMode),
    ipc: modeOf(IpcMode) ?? ipcModeOf(IpcMode),
    uts: UTSMode === 'host' ? { kind: 'host' } : { kind: 'private' },
    cgroup: CgroupnsMode === '' ? undefined : { kind: CgroupnsMode === 'host' ? 'host' : 'private' },
  }
}

function ipcModeOf(text: string): NamespaceMode {
  if (text === 'private' || text === 'shareable' || text === 'none') return { kind: text }
  return badMode('IPC', text)
}

function modeOf(text: string): NamespaceMode | undefined {
  if (text === '') return { kind: 'private' }
  if (text === 'host') return { kind: 'host' }
  const [kind, reference = ''] = text.split(/:(.*)/s)
  return kind === 'container' && reference !== '' ? { kind: 'container', reference } : undefined
}

function badMode(what: string, text: string): never {
  throw bad(`invalid ${what} mode: ${text}`)
}

function bad(message: string): Error {
  return invalidInput('BAD_NAMESPACE_MODE', message)
}

/** The namespaces of the OCI spec. `joined` are paths of other containers' namespaces. */
export function namespacesOf(
  host: HostConfig,
  {
    cgroupVersion,
    netnsPath,
    joined,
  }: {
    readonly cgroupVersion: '1' | '2'
    /** Absent: the host's network. */
    readonly netnsPath: string | undefined
    readonly joined: { readonly pid?: string; readonly ipc?: string }
  },
): { readonly type: string; readonly path?: string }[] {
  const { pid, ipc, uts, cgroup } = readNamespaceModes(host)
  const hasOwnCgroup = cgroup === undefined ? cgroupVersion === '2' : cgroup.kind === 'private'
  return [
    { type: 'mount' },
    ...namespaceOf('pid', pid, joined.pid),
    ...namespaceOf('ipc', ipc, joined.ipc),
    ...namespaceOf('uts', uts),
    ...(hasOwnCgroup ? [{ type: 'cgroup' }] : []),
    ...(netnsPath === undefined ? [] : [{ type: 'network', path: netnsPath }]),
  ]
}

function namespaceOf(type: string, { kind }: NamespaceMode, path?: string): { type: string; path?: string }[] {
  if (kind === 'host') return []
  return [{ type, ...(kind === 'container' && path !== undefined ? { path } : {}) }]
}
