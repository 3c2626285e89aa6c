import type { OciSeccomp } from './oci-types.ts'

const EPERM = 1
const ENOSYS = 38
const CLONE_NEWUSER = 0x10000000
const AF_VSOCK = 40
const AF_ALG = 38

/** Calls that only somebody with the capability may make; a container without it gets EPERM before the kernel looks. */
const NEEDS_CAPABILITY: readonly { readonly capability: string; readonly names: readonly string[] }[] = [
  {
    capability: 'CAP_SYS_ADMIN',
    names: [
      'mount',
      'umount',
      'umount2',
      'pivot_root',
      'move_mount',
      'open_tree',
      'fsopen',
      'fsconfig',
      'fsmount',
      'fspick',
      'mount_setattr',
      'setns',
      'unshare',
      'quotactl',
      'quotactl_fd',
      'fanotify_init',
      'lookup_dcookie',
      'setdomainname',
      'sethostname',
      'perf_event_open',
      'swapon',
      'swapoff',
      'nfsservctl',
      'vm86',
      'vm86old',
    ],
  },
  { capability: 'CAP_BPF', names: ['bpf'] },
  { capability: 'CAP_SYS_BOOT', names: ['reboot', 'kexec_load', 'kexec_file_load'] },
  { capability: 'CAP_SYS_MODULE', names: ['init_module', 'finit_module', 'delete_module', 'create_module'] },
  { capability: 'CAP_SYS_PACCT', names: ['acct'] },
  { capability: 'CAP_SYS_TIME', names: ['settimeofday', 'stime', 'clock_settime', 'clock_settime64', 'clock_adjtime'] },
  { capability: 'CAP_SYS_RAWIO', names: ['iopl', 'ioperm'] },
  { capability: 'CAP_DAC_READ_SEARCH', names: ['open_by_handle_at'] },
  { capability: 'CAP_SYSLOG', names: ['syslog'] },
]

/** Large parts of the kernel that containers do not need and that were ways out of them before. */
const NEVER = [
  'add_key',
  'request_key',
  'keyctl',
  'userfaultfd',
  'io_uring_setup',
  'io_uring_enter',
  'io_uring_register',
  'get_kernel_syms',
  'query_module',
  'uselib',
  'ustat',
  'sysfs',
  '_sysctl',
]

/**
 * The seccomp profile of containers: everything is allowed but a list of calls. It follows the intent of Docker's
 * default profile (no new user namespaces, no keyring, no module, kexec, bpf, mounts or io_uring without the capability).
 */
export function defaultSeccomp(capabilities: readonly string[]): OciSeccomp {
  const missing = NEEDS_CAPABILITY.filter(({ capability }) => !capabilities.includes(capability))
  const admin = capabilities.includes('CAP_SYS_ADMIN')
  const families = [AF_ALG, AF_VSOCK]
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
    syscalls: [
      { names: [...NEVER, ...missing.flatMap(({ names }) => names)], action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
      ...families.map(value => ({
        names: ['socket'],
        action: 'SCMP_ACT_ERRNO' as const,
        errnoRet: EPERM,
        args: [{ index: 0, value, op: 'SCMP_CMP_EQ' as const }],
      })),
      ...(admin
        ? []
        : [
            {
              names: ['clone'],
              action: 'SCMP_ACT_ERRNO' as const,
              errnoRet: EPERM,
              args: [{ index: 0, value: CLONE_NEWUSER, valueTwo: CLONE_NEWUSER, op: 'SCMP_CMP_MASKED_EQ' as const }],
            },
            // Its flags lie in memory where a filter cannot look; C libraries fall back to clone on ENOSYS.
            { names: ['clone3'], action: 'SCMP_ACT_ERRNO' as const, errnoRet: ENOSYS },
          ]),
    ],
  }
}
