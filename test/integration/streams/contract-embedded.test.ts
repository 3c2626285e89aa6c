import { systemClock } from '../../../src/core/clock.ts'
import { createDockerClient } from '../../../src/docker-api/index.ts'
import { streamContract } from '../../contract/stream-contract.ts'
import { startShoalEngine } from '../../support/shoal-engine.ts'

streamContract('the client, over shoal engine', async () => {
  const daemon = await startShoalEngine()
  const engine = createDockerClient(daemon.host, { clock: systemClock })
  return {
    engine,
    async close() {
      engine.close()
      await daemon.stop()
    },
  }
})
