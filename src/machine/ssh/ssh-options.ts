/** What `ssh -G` says of a host: the configuration that OpenSSH would use, with aliases, `Match` and defaults resolved. */
export interface SshOptions {
  readonly hostName: string
  readonly port: number
  readonly user: string
  readonly identityFiles: readonly string[]
  /** Socket of an agent; absent: the environment's. `none`: no agent. */
  readonly identityAgent?: string
  readonly identitiesOnly: boolean
  readonly knownHostsFiles: readonly string[]
  /** Under which name its key is known instead of its host name. */
  readonly hostKeyAlias?: string
  /** Hosts in between, first to last, as they are written there. */
  readonly proxyJump: readonly string[]
  /** Why only OpenSSH's own client can connect; absent: any client can. */
  readonly needsOpenSsh?: string
}

/** Options that another client does not have, and why. */
const OPENSSH_ONLY: readonly { readonly option: string; readonly means: string; readonly unless?: RegExp }[] = [
  { option: 'proxycommand', means: 'a ProxyCommand', unless: /^none$/ },
  { option: 'certificatefile', means: 'an SSH certificate' },
  { option: 'pkcs11provider', means: 'a PKCS#11 key', unless: /^none$/ },
  { option: 'controlpath', means: 'a shared connection', unless: /^none$/ },
  { option: 'proxyusefdpass', means: 'ProxyUseFdpass', unless: /^no$/ },
]

/** Reads the output of `ssh -G`. */
export function parseSshOptions(text: string): SshOptions {
  const values = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\S+) (.*)$/.exec(line.trim()) ?? []
    if (name === undefined || value === undefined) continue
    values.set(name.toLowerCase(), [...(values.get(name.toLowerCase()) ?? []), value])
  }
  const one = (name: string): string | undefined => values.get(name)?.[0]
  const agent = one('identityagent')
  const alias = one('hostkeyalias')
  const only = OPENSSH_ONLY.find(({ option, unless }) => {
    const value = one(option)
    return value !== undefined && unless?.test(value) !== true
  })
  return {
    hostName: one('hostname') ?? '',
    port: Number(one('port') ?? 22),
    user: one('user') ?? '',
    identityFiles: values.get('identityfile') ?? [],
    identitiesOnly: one('identitiesonly') === 'yes',
    knownHostsFiles: [...filesOf(one('userknownhostsfile')), ...filesOf(one('globalknownhostsfile'))],
    proxyJump: jumpsOf(one('proxyjump')),
    ...(agent === undefined || agent === 'SSH_AUTH_SOCK' ? {} : { identityAgent: agent }),
    ...(alias === undefined ? {} : { hostKeyAlias: alias }),
    ...(only === undefined ? {} : { needsOpenSsh: only.means }),
  }
}

function jumpsOf(value = 'none'): string[] {
  return value === 'none' ? [] : value.split(',')
}

function filesOf(value: string | undefined): string[] {
  return (value ?? '').split(/ +/).filter(file => file !== '' && file !== 'none')
}
