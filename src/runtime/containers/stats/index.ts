export { containerStats } from './container-stats.ts'
