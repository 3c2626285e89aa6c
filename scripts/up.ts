import { until } from './lib/command.ts'
import { COMPOSE_FILE, demoCluster, say } from './lib/demo.ts'

/** Starts, or mends, a cluster of three hosts on this machine and runs the example on it. */
async function main(): Promise<void> {
  const cluster = demoCluster()
  await cluster.start()
  say('compose up')
  const file = ['-f', COMPOSE_FILE]
  await cluster.run('compose', [...file, 'up', '-d', '--wait', '--wait-timeout', '120'])
  const page = `http://${cluster.address('n1')}:8080/`
  await until('the page to answer', async () => ((await fetch(page)).ok ? true : undefined))
  process.stdout.write(await cluster.run('compose', [...file, 'ps']))
  process.stdout.write(`
open ${page}
export DOCKER_HOST=${cluster.manager}

Try next:
  curl -si ${page} | grep -i '^x-'
  bin/compose -f examples/visits/compose.yaml logs -f web
  docker -H ${cluster.manager} ps
`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`shoal: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
