export { updateContainer } from './update-container.ts'
