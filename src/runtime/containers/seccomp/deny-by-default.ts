import type { SeccompProfile } from './profile.ts'

const EPERM = 1
const ENOSYS = 38

/** Calls since kernel 5.1, when numbers became the same on all architectures, in the order of these numbers. */
const NEW_CALLS = `
  pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount
  fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 process_madvise epoll_pwait2 mount_setattr
  quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret process_mrelease
  futex_waitv set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue
  statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat
  removexattrat open_tree_attr file_getattr file_setattr listns
`

/** Calls that are not much older, or only some architectures have, and that programs can do without. */
const OTHERS = `
  statx rseq io_pgetevents_time64 uretprobe uprobe riscv_flush_icache riscv_hwprobe s390_guarded_storage s390_sthyi
  spu_create spu_run
`

/**
 * Turns round a profile that answers ENOSYS to what it does not name and EPERM to a long list, into one that answers EPERM
 * as Docker's own does, and ENOSYS to a short list. The runtime leaves out rules that say what the default says, and the
 * time to compile rules, at every start, grows with their square.
 *
 * What is allowed stays the same. What programs try first and make do without still gets ENOSYS: it is named here, and to
 * calls newer than all that are named runc answers so by itself. What changes is the answer to a call that is allowed only
 * with other arguments, and to calls that no kernel has any more: EPERM, as from Docker.
 */
export function denyByDefault(profile: SeccompProfile): SeccompProfile {
  if (profile.defaultAction !== 'SCMP_ACT_ERRNO' || profile.defaultErrnoRet !== ENOSYS) return profile
  const rules = profile.syscalls ?? []
  const named = new Set(rules.flatMap(({ name, names }) => [name, ...(names ?? [])]))
  const calls = words(NEW_CALLS)
  const newest = calls.findLastIndex(call => named.has(call))
  const names = [...words(OTHERS), ...calls.slice(0, newest + 1)].filter(call => !named.has(call))
  return {
    ...profile,
    defaultErrnoRet: EPERM,
    syscalls: [...rules, { names, action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS }],
  }
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}
