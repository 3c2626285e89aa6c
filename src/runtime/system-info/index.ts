export { createSystemInfo, type SystemFacts } from './system-info.ts'
