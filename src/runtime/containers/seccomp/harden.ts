import type { SeccompArgument, SeccompProfile, SeccompRule } from './profile.ts'

const EPERM = 1
const EINVAL = 22
const ENOSYS = 38
const AF_NETLINK = 16
const AF_ALG = 38
const AF_VSOCK = 40
const NETLINK_AUDIT = 9
/** Flags of clone(2) that make a namespace: mount, cgroup, UTS, IPC, user, PID, network. */
const NAMESPACE_FLAGS = [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]

/** Calls that a profile made for trusted containers leaves to the kernel's own checks; without the capability they are refused before. */
const GATED: readonly { readonly capability: string; readonly names: readonly string[] }[] = [
  {
    capability: 'CAP_SYS_ADMIN',
    names: [
      'clone',
      'fsconfig',
      'fsmount',
      'fsopen',
      'fspick',
      'mount',
      'mount_setattr',
      'move_mount',
      'open_tree',
      'pivot_root',
      'setns',
      'umount',
      'umount2',
      'unshare',
    ],
  },
  { capability: 'CAP_SYS_BOOT', names: ['reboot'] },
  { capability: 'CAP_SYSLOG', names: ['syslog'] },
]

/** Never allowed, whatever the profile says: keyrings are not namespaced, and the others were ways out of containers. */
const NEVER = [
  'add_key',
  'io_uring_enter',
  'io_uring_register',
  'io_uring_setup',
  'keyctl',
  'request_key',
  'userfaultfd',
]

const TAKEN_OUT = new Set([...NEVER, ...GATED.flatMap(({ names }) => names), 'clone3', 'socket'])

/**
 * A profile made for containers that the administrator trusts, made fit for any: no keyring, io_uring or userfaultfd, no
 * namespaces, mounts or reboot without the capability, and no sockets of the families AF_ALG and AF_VSOCK.
 *
 * 32-bit programs may still call socketcall, whose arguments a filter cannot see: closing it would close all networking to them.
 */
export function hardenProfile(profile: SeccompProfile): SeccompProfile {
  const kept = (profile.syscalls ?? []).flatMap((rule): SeccompRule[] => {
    const names = (rule.names ?? []).filter(name => !TAKEN_OUT.has(name))
    return names.length === 0 ? [] : [{ ...rule, names }]
  })
  const own = [deny(NEVER), ...GATED.flatMap(gate), ...CLONES, ...SOCKETS]
  return { ...profile, syscalls: [...kept, ...own] }
}

function gate({ capability, names }: (typeof GATED)[number]): SeccompRule[] {
  const without = { excludes: { caps: [capability] } }
  return [
    { names, action: 'SCMP_ACT_ALLOW', includes: { caps: [capability] } },
    { ...deny(names.filter(name => name !== 'clone')), ...without },
  ]
}

function deny(names: readonly string[]): SeccompRule {
  return { names, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM }
}

const NO_ADMIN = { excludes: { caps: ['CAP_SYS_ADMIN'] } }

const CLONES: readonly SeccompRule[] = [
  {
    names: ['clone'],
    action: 'SCMP_ACT_ALLOW',
    args: [
      { index: 0, value: NAMESPACE_FLAGS.reduce((all, flag) => all + flag), valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' },
    ],
    ...NO_ADMIN,
  },
  ...NAMESPACE_FLAGS.map(flag => ({
    ...deny(['clone']),
    args: [{ index: 0, value: flag, valueTwo: flag, op: 'SCMP_CMP_MASKED_EQ' }],
    ...NO_ADMIN,
  })),
  { names: ['clone3'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
  // Its flags lie in memory where a filter cannot look; C libraries fall back to clone on ENOSYS.
  { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS, ...NO_ADMIN },
]

/** Conditions on one argument cannot be joined in a rule, so the families are allowed in ranges around those denied. */
const SOCKETS: readonly SeccompRule[] = [
  ...[AF_ALG, AF_VSOCK].map(value => ({ ...deny(['socket']), args: [family('EQ', value)] })),
  allowSocket([family('EQ', AF_ALG + 1)]),
  allowSocket([family('GT', AF_VSOCK)]),
  { ...allowSocket([family('LT', AF_ALG)]), includes: { caps: ['CAP_AUDIT_WRITE'] } },
  ...[
    allowSocket([family('LT', AF_NETLINK)]),
    allowSocket([family('EQ', AF_NETLINK), { index: 2, value: NETLINK_AUDIT, op: 'SCMP_CMP_NE' }]),
    // As a kernel without auditing answers: logins go on without then.
    {
      ...deny(['socket']),
      errnoRet: EINVAL,
      args: [family('EQ', AF_NETLINK), { index: 2, value: NETLINK_AUDIT, op: 'SCMP_CMP_EQ' }],
    },
    ...Array.from({ length: AF_ALG - AF_NETLINK - 1 }, (_, index) =>
      allowSocket([family('EQ', AF_NETLINK + 1 + index)]),
    ),
  ].map(rule => ({ ...rule, excludes: { caps: ['CAP_AUDIT_WRITE'] } })),
]

function family(comparison: string, value: number): SeccompArgument {
  return { index: 0, value, op: `SCMP_CMP_${comparison}` }
}

function allowSocket(args: readonly SeccompArgument[]): SeccompRule {
  return { names: ['socket'], action: 'SCMP_ACT_ALLOW', args }
}
