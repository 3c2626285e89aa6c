import type { OciSeccomp } from '../spec/oci-types.ts'
import type { SeccompCondition, SeccompProfile, SeccompRule } from './profile.ts'

export interface SeccompContext {
  readonly capabilities: readonly string[]
  /** Node's name of the architecture. */
  readonly arch: string
  /** The kernel's release: `6.1.0-13-amd64`. */
  readonly kernel: string
  readonly hasX32: boolean
}

/** Node's name of an architecture, its Go name, and the filter's. */
const ARCHITECTURES: Readonly<Record<string, readonly [string, string]>> = {
  x64: ['amd64', 'SCMP_ARCH_X86_64'],
  ia32: ['x86', 'SCMP_ARCH_X86'],
  arm64: ['arm64', 'SCMP_ARCH_AARCH64'],
  arm: ['arm', 'SCMP_ARCH_ARM'],
  ppc64: ['ppc64le', 'SCMP_ARCH_PPC64LE'],
  s390x: ['s390x', 'SCMP_ARCH_S390X'],
  riscv64: ['riscv64', 'SCMP_ARCH_RISCV64'],
}

/** The filter that a profile means for a container with these capabilities on this machine. */
export function resolveSeccomp(profile: SeccompProfile, context: SeccompContext): OciSeccomp {
  const [goArch, ownArch] = ARCHITECTURES[context.arch] ?? [context.arch, '']
  const holds = ({ includes = {}, excludes = {} }: SeccompRule): boolean =>
    isIncluded(includes, { ...context, goArch }) && !isExcluded(excludes, { ...context, goArch })
  const mapped = architecturesOf(profile, ownArch)
  // A third less to compile at every start; where the kernel has no such calls there is nothing to filter.
  const known = mapped.filter(name => name !== 'SCMP_ARCH_X32' || context.hasX32)
  const architectures = profile.architectures ?? known
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures.length === 0 ? {} : { architectures }),
    ...((profile.flags ?? []).length === 0 ? {} : { flags: profile.flags ?? [] }),
    syscalls: (profile.syscalls ?? []).filter(holds).map(({ name, names, action, errnoRet, args }) => ({
      names: name === undefined || name === '' ? (names ?? []) : [name],
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...((args ?? []).length === 0 ? {} : { args: args ?? [] }),
    })),
  }
}

function architecturesOf({ archMap = [] }: SeccompProfile, own: string): readonly string[] {
  const found = archMap.find(({ architecture }) => architecture === own)
  return found === undefined ? [] : [found.architecture, ...(found.subArchitectures ?? [])]
}

type Facts = SeccompContext & { readonly goArch: string }

/** All of what is named must be there: one of the architectures, every capability, the kernel. */
function isIncluded({ arches, caps, minKernel = '' }: SeccompCondition, facts: Facts): boolean {
  if ((arches ?? []).length > 0 && arches?.includes(facts.goArch) !== true) return false
  if (minKernel !== '' && !isAtLeast(facts.kernel, minKernel)) return false
  return (caps ?? []).every(name => facts.capabilities.includes(name))
}

/** Any of what is named is enough. */
function isExcluded({ arches, caps, minKernel = '' }: SeccompCondition, facts: Facts): boolean {
  if (arches?.includes(facts.goArch) === true) return true
  if (minKernel !== '' && isAtLeast(facts.kernel, minKernel)) return true
  return (caps ?? []).some(name => facts.capabilities.includes(name))
}

function isAtLeast(kernel: string, wanted: string): boolean {
  const numbers = (text: string): number[] => text.split(/[.-]/, 2).map(part => Number.parseInt(part, 10) || 0)
  const [major = 0, minor = 0] = numbers(kernel)
  const [wantedMajor = 0, wantedMinor = 0] = numbers(wanted)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}
