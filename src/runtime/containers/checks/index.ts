export { checkConfig } from './config.ts'
export { checkHostConfig } from './host-config.ts'
export { resourceWarnings } from './resources.ts'
