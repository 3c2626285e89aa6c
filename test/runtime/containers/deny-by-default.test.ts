import { describe, expect, it } from 'vitest'
import { denyByDefault, type SeccompProfile } from '../../../src/runtime/containers/seccomp/index.ts'
import { fc } from '../../support/property.ts'

const [EPERM, EINVAL, ENOSYS] = [1, 22, 38]

/** Numbers of calls; those from 424 on are the same on every architecture. `future` is newer than all we have heard of. */
const NUMBERS: Readonly<Record<string, number>> = {
  read: 0,
  personality: 135,
  obsolete: 156,
  statx: 332,
  pidfd_open: 434,
  clone3: 435,
  openat2: 437,
  faccessat2: 439,
  quotactl_fd: 443,
  futex_waitv: 449,
  cachestat: 451,
  fchmodat2: 452,
  listns: 470,
  future: 600,
}
const NAMES = Object.keys(NUMBERS)

/** What runc makes of a profile: `allow`, or the error of a call whose first argument is given. Source: runc, patch_seccomp. */
function answer(profile: SeccompProfile, call: string, argument: number): 'allow' | number {
  const rules = profile.syscalls ?? []
  const otherwise = profile.defaultErrnoRet ?? EPERM
  const newest = Math.max(...rules.flatMap(({ names }) => (names ?? []).map(name => NUMBERS[name] ?? -1)))
  if (otherwise !== ENOSYS && (NUMBERS[call] ?? -1) > newest) return ENOSYS
  const own = rules.filter(rule => rule.names?.includes(call))
  const without = own.find(({ args }) => (args ?? []).length === 0)
  const rule = without ?? own.find(({ args }) => args?.every(({ value }) => value === argument))
  if (rule === undefined) return otherwise
  return rule.action === 'SCMP_ACT_ALLOW' ? 'allow' : (rule.errnoRet ?? EPERM)
}

const rules = fc.array(
  fc.record({
    names: fc.subarray(NAMES, { minLength: 1 }),
    action: fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO'),
    errnoRet: fc.constantFrom(EPERM, EINVAL, ENOSYS),
    args: fc.option(fc.integer({ min: 0, max: 1 }).map(value => [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
  }),
)
const profiles = rules.map(syscalls => ({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: ENOSYS, syscalls }))

describe('a profile that denies by default', () => {
  it('allows what it allowed, and only that', () => {
    fc.assert(
      fc.property(profiles, fc.constantFrom(...NAMES), fc.integer({ min: 0, max: 2 }), (profile, call, argument) => {
        const is = answer(denyByDefault(profile), call, argument)
        expect(is === 'allow').toBe(answer(profile, call, argument) === 'allow')
      }),
    )
  })

  it('answers as before to calls that it names, whatever their arguments, and to new ones that it does not', () => {
    const hasConditions = (profile: SeccompProfile, call: string): boolean =>
      (profile.syscalls ?? []).some(({ names, args }) => names?.includes(call) === true && (args ?? []).length > 0)
    fc.assert(
      fc.property(profiles, fc.constantFrom(...NAMES), (profile, call) => {
        const isNamed = profile.syscalls.some(({ names }) => names.includes(call))
        // Nobody can know what lies between the newest call we have heard of and one that is newer.
        const isKnown = profile.syscalls.every(({ names }) => !names.includes('future'))
        fc.pre(!hasConditions(profile, call) && (isNamed || ((NUMBERS[call] ?? 0) > 300 && isKnown)))
        expect(answer(denyByDefault(profile), call, 0)).toBe(answer(profile, call, 0))
      }),
    )
  })

  it('answers as Docker to other arguments of calls that it allows with some, and to what no kernel has', () => {
    const args = [{ index: 0, value: 8, op: 'SCMP_CMP_EQ' }]
    const profile = denyByDefault({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: ENOSYS,
      syscalls: [
        { names: ['personality'], action: 'SCMP_ACT_ALLOW', args },
        { names: ['openat2'], action: 'SCMP_ACT_ALLOW' },
      ],
    })
    expect(answer(profile, 'personality', 8)).toBe('allow')
    expect(answer(profile, 'personality', 9)).toBe(EPERM)
    expect(answer(profile, 'obsolete', 0)).toBe(EPERM)
    expect(answer(profile, 'clone3', 0)).toBe(ENOSYS)
    expect(answer(profile, 'fchmodat2', 0)).toBe(ENOSYS)
  })

  it.each<SeccompProfile>([
    { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: ENOSYS, syscalls: [] },
    { defaultAction: 'SCMP_ACT_KILL', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] },
    { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: EPERM, syscalls: [] },
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: null },
  ])('is left alone if it says something else: %j', profile => {
    expect(denyByDefault(profile)).toBe(profile)
  })
})
