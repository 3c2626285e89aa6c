export { type ClusterOverlay, createOverlay, type OverlayOptions, type OverlayPorts } from './overlay.ts'
