import { systemClock } from '../../../src/core/clock.ts'
import { createDockerClient } from '../../../src/docker-api/index.ts'
import { streamContract } from '../../contract/stream-contract.ts'
import { startDockerd } from '../../support/dockerd.ts'

streamContract('the client, over a stock Docker Engine', async () => {
  const daemon = await startDockerd()
  const engine = createDockerClient(daemon.host, { clock: systemClock })
  return {
    engine,
    async close() {
      engine.close()
      await daemon.stop()
    },
  }
})
