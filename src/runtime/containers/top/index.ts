export { topOf } from './top.ts'
