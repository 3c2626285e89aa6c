import { describe, expect, it } from 'vitest'
import {
  hardenProfile,
  parseSeccompProfile,
  resolveSeccomp,
  type SeccompProfile,
} from '../../../src/runtime/containers/seccomp/index.ts'

const context = { capabilities: ['CAP_CHOWN'], arch: 'x64', kernel: '6.1.0-13-amd64', hasX32: true }
const profile = (syscalls: SeccompProfile['syscalls'], rest: Partial<SeccompProfile> = {}): SeccompProfile => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  ...rest,
  syscalls: syscalls ?? [],
})
const ALLOW = 'SCMP_ACT_ALLOW'

describe('a seccomp profile', () => {
  it.each<[object, boolean]>([
    [{}, true],
    [{ includes: { caps: ['CAP_CHOWN'] } }, true],
    [{ includes: { caps: ['CAP_SYS_ADMIN'] } }, false],
    [{ includes: { arches: ['amd64', 'x32'] } }, true],
    [{ includes: { arches: ['s390'] } }, false],
    [{ includes: { minKernel: '4.8' } }, true],
    [{ includes: { minKernel: '6.2' } }, false],
    [{ includes: { caps: null, arches: [] } }, true],
    [{ excludes: { caps: ['CAP_CHOWN'] } }, false],
    [{ excludes: { caps: ['CAP_SYS_ADMIN'] } }, true],
    [{ excludes: { arches: ['amd64'] } }, false],
    [{ excludes: { minKernel: '6.1' } }, false],
  ])('with the condition %j counts: %s', (condition, counts) => {
    const { syscalls } = resolveSeccomp(profile([{ names: ['read'], action: ALLOW, ...condition }]), context)
    expect(syscalls).toHaveLength(counts ? 1 : 0)
  })

  it('means this machine and its 32-bit programs', () => {
    const archMap = [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    ]
    expect(resolveSeccomp(profile([], { archMap, defaultErrnoRet: 38 }), context)).toEqual({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [],
    })
    const without = resolveSeccomp(profile([], { archMap }), { ...context, hasX32: false })
    expect(without.architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'])
  })

  it.each([
    ['no json', 'it is no JSON'],
    ['[]', 'it is no JSON object'],
    ['{}', 'defaultAction'],
    ['{"defaultAction":"SCMP_ACT_NOTIFY"}', 'defaultAction'],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}', 'syscalls must be a list'],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"no"}]}', 'syscalls[0].action'],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[1],"action":"SCMP_ACT_ERRNO"}]}', 'must be strings'],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","names":["b"],"action":"SCMP_ACT_ERRNO"}]}',
      'use either one',
    ],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_ERRNO","args":[{"index":9}]}]}',
      'index is from 0 to 5',
    ],
    ['{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/x"}', 'listenerPath is not supported'],
    ['{"defaultAction":"SCMP_ACT_ALLOW","architectures":["A"],"archMap":[{"architecture":"B"}]}', 'use either one'],
  ])('%s is refused', (text, why) => {
    expect(() => parseSeccompProfile(text)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining(why) as string }),
    )
  })
})

describe('a hardened profile', () => {
  const names = ['read', 'keyctl', 'mount', 'clone', 'clone3', 'unshare', 'reboot', 'socket', 'io_uring_setup']
  const allowed = (call: string, capabilities: readonly string[], args: readonly number[] = []): boolean => {
    const hard = hardenProfile(profile([{ names, action: ALLOW }]))
    const { syscalls } = resolveSeccomp(hard, { ...context, capabilities })
    const matches = syscalls.filter(
      rule =>
        rule.names.includes(call) &&
        (rule.args ?? []).every(({ index, value, valueTwo = 0, op }) => {
          const given = BigInt(args[index] ?? 0)
          const wanted = BigInt(value)
          const holds: Readonly<Record<string, boolean>> = {
            SCMP_CMP_EQ: given === wanted,
            SCMP_CMP_NE: given !== wanted,
            SCMP_CMP_LT: given < wanted,
            SCMP_CMP_GT: given > wanted,
            SCMP_CMP_MASKED_EQ: (given & wanted) === BigInt(valueTwo),
          }
          return holds[op] === true
        }),
    )
    const verdicts = new Set(matches.map(({ action }) => action))
    expect(verdicts.size).toBeLessThan(2)
    return verdicts.has(ALLOW)
  }
  const ADMIN = ['CAP_SYS_ADMIN']

  it.each<[string, readonly string[], readonly number[], boolean]>([
    ['read', [], [], true],
    ['keyctl', ADMIN, [], false],
    ['io_uring_setup', ADMIN, [], false],
    ['mount', [], [], false],
    ['mount', ADMIN, [], true],
    ['unshare', [], [], false],
    ['reboot', ADMIN, [], false],
    ['reboot', ['CAP_SYS_BOOT'], [], true],
    ['clone', [], [0x11], true],
    ['clone', [], [0x10000000], false],
    ['clone', [], [0x00020000], false],
    ['clone', ADMIN, [0x10000000], true],
    ['clone3', [], [], false],
    ['clone3', ADMIN, [], true],
  ])('%s with %j and arguments %j: %s', (call, capabilities, args, isAllowed) => {
    expect(allowed(call, capabilities, args)).toBe(isAllowed)
  })

  it.each([[[]], [['CAP_AUDIT_WRITE']], [['CAP_SYS_ADMIN', 'CAP_AUDIT_WRITE']]])(
    'allows sockets of every family but AF_ALG and AF_VSOCK with %j',
    capabilities => {
      const families = Array.from({ length: 50 }, (_, family) => family)
      const refused = families.filter(family => !allowed('socket', capabilities, [family, 1, 0]))
      expect(refused).toEqual([38, 40])
    },
  )

  it('keeps the audit socket for who may write to it; to others it is as if the kernel had none', () => {
    const refusals = (capabilities: readonly string[]) =>
      resolveSeccomp(hardenProfile(profile([])), { ...context, capabilities }).syscalls.filter(
        ({ names, errnoRet, args }) => names.includes('socket') && errnoRet === 22 && args?.[1]?.value === 9,
      )
    expect([refusals([]).length, refusals(['CAP_AUDIT_WRITE']).length]).toEqual([1, 0])
    expect(allowed('socket', [], [16, 3, 9])).toBe(false)
    expect(allowed('socket', ['CAP_AUDIT_WRITE'], [16, 3, 9])).toBe(true)
  })
})
