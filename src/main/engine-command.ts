import type { CommandLeaf } from '../cli/index.ts'
import { ENGINE_FLAGS } from './daemon/engine-options.ts'

/** `shoal engine`: the embedded runtime alone, as dockerd runs. */
export const engineCommand: CommandLeaf = {
  name: 'engine',
  summary: 'Run a container engine on this host, without a cluster',
  options: [
    ...ENGINE_FLAGS,
    { flags: '--validate', summary: 'only say whether the flags and the configuration file can be used' },
    { flags: '--insecure', summary: 'serve the API without TLS on addresses other than loopback' },
  ],
  footer: 'Example: shoal engine -H unix:///run/shoal/engine.sock & docker -H unix:///run/shoal/engine.sock ps',
  load: async () => (await import('./engine.ts')).runEngine,
}
