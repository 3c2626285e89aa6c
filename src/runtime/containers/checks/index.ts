export { checkConfig } from './config.ts'
export { checkHostConfig } from './host-config.ts'
export { isEmpty } from './is-empty.ts'
export { resourceWarnings } from './resources.ts'
