export { OVERLAY_LABEL } from './network-devices.ts'
export { type ClusterOverlay, createOverlay, type OverlayOptions, type OverlayPorts } from './overlay.ts'
