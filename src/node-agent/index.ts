export { type Agent, createAgent } from './agent.ts'
export { createEngineNetworks } from './engine-networks.ts'
export { agentMemoryFile } from './memory-file.ts'
export { type ClusterOverlay, createOverlay, type OverlayOptions, type OverlayPorts } from './overlay/index.ts'
export { createPeerImages, type PeerImagesPorts } from './peer-images.ts'
export type {
  AgentMemory,
  AgentMemoryFile,
  AgentOptions,
  AgentPorts,
  ClaimedAddress,
  Overlay,
  PeerImages,
  TaskEndpoint,
} from './ports.ts'
export { waitForStore } from './wait-for-store.ts'
