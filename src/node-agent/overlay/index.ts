export { type ClusterOverlay, createOverlay } from './overlay.ts'
