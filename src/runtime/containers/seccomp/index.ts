export { readDefaultProfile } from './default-profile.ts'
export { hardenProfile } from './harden.ts'
export { parseSeccompProfile, type SeccompProfile } from './profile.ts'
export { resolveSeccomp } from './resolve.ts'
