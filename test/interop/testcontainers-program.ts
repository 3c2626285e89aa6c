import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { GenericContainer, Network, Wait } from 'testcontainers'
import { systemClock } from '../../src/core/clock.ts'

/**
 * What users of testcontainers do, against the engine of DOCKER_HOST: prints what came of each step as a line of JSON. A
 * program of its own because testcontainers keeps one client for its whole process.
 */
const IMAGE = 'busybox:test'
const SERVE = ['httpd', '-f', '-p', '8080', '-h', '/srv']

const MS_MAX = 50_000

/** The order of what came from different streams is chance: without `output`, which joins them. */
function tell(step: string, found: unknown): void {
  const value = typeof found === 'object' && found !== null ? { ...found, output: undefined } : found
  process.stdout.write(`${JSON.stringify({ step, value })}\n`)
}

async function attempt(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  }
}

async function waitsForHttp(): Promise<void> {
  const container = await new GenericContainer(IMAGE)
    .withCommand(SERVE)
    .withExposedPorts(8080)
    .withWaitStrategy(Wait.forHttp('/page', 8080).forStatusCode(200))
    .start()
  const answer = await fetch(`http://${container.getHost()}:${container.getMappedPort(8080)}/page`)
  tell('page over the mapped port', await answer.text())
  tell(
    'exec',
    await container.exec(['sh', '-c', 'echo out; echo err >&2; exit 3'], {
      env: { A: 'b' },
      workingDir: '/srv',
      user: '33',
    }),
  )
  await container.copyContentToContainer([{ content: 'copied', target: '/srv/copied', mode: 0o640 }])
  tell('copied into a running one', await container.exec(['stat', '-c', '%a %s', '/srv/copied']))
  tell('copied out', (await text(await container.copyArchiveFromContainer('/srv/copied'))).includes('copied'))
  await container.restart()
  tell(
    'page after a restart',
    await (await fetch(`http://${container.getHost()}:${container.getMappedPort(8080)}/copied`)).text(),
  )
  const stopped = await container.stop({ remove: false, timeout: 1_000 })
  tell(
    'copied out of a stopped one',
    (await text(await stopped.copyArchiveFromContainer('/srv/page'))).includes('a page'),
  )
}

async function waitsForOtherThings(): Promise<void> {
  const logged = await new GenericContainer(IMAGE)
    .withCommand(['sh', '-c', 'echo starting; sleep 0.3; echo "ready to serve"; sleep 100'])
    .withWaitStrategy(Wait.forLogMessage(/ready to (\w+)/))
    .start()
  const [first] = (await once(await logged.logs(), 'data')) as readonly unknown[]
  tell('logs', String(first).split('\n')[0])
  await logged.stop({ timeout: 100 })
  const healthy = await new GenericContainer(IMAGE)
    .withCommand(['sh', '-c', 'sleep 0.3; touch /ready; sleep 100'])
    .withHealthCheck({ test: ['CMD-SHELL', 'test -e /ready'], interval: 100, timeout: 1_000, retries: 50 })
    .withWaitStrategy(Wait.forHealthCheck())
    .start()
  tell('healthy', (await healthy.exec('ls /ready')).exitCode)
  await healthy.stop({ timeout: 100 })
  const listening = await new GenericContainer(IMAGE)
    .withCommand(SERVE)
    .withExposedPorts(8080)
    .withWaitStrategy(Wait.forListeningPorts())
    .start()
  tell('listening', (await listening.exec(['true'])).exitCode)
  await listening.stop({ timeout: 100 })
  const shell = await new GenericContainer(IMAGE)
    .withCommand(['sleep', '100'])
    .withWaitStrategy(Wait.forSuccessfulCommand('test -d /srv'))
    .start()
  tell('successful command', shell.getName() !== '')
  await shell.stop({ timeout: 100 })
  const oneShot = await new GenericContainer(IMAGE)
    .withCommand(['true'])
    .withWaitStrategy(Wait.forOneShotStartup())
    .start()
  tell('one shot', oneShot.getId().length)
  await oneShot.stop()
  tell(
    'never ready',
    await attempt(() =>
      new GenericContainer(IMAGE)
        .withCommand(['sleep', '100'])
        .withStartupTimeout(500)
        .withWaitStrategy(Wait.forLogMessage('nothing'))
        .start(),
    ),
  )
}

async function joinsNetworks(): Promise<void> {
  const network = await new Network().start()
  const server = await new GenericContainer(IMAGE)
    .withCommand(SERVE)
    .withNetwork(network)
    .withNetworkAliases('server')
    .start()
  const client = await new GenericContainer(IMAGE).withCommand(['sleep', '100']).withNetwork(network).start()
  tell('by alias', await client.exec(['wget', '-qO-', 'http://server:8080/page']))
  tell('network names', server.getNetworkNames().length)
  await server.stop({ timeout: 100 })
  await client.stop({ timeout: 100 })
  await network.stop()
}

async function configures(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-testcontainers-'))
  try {
    chmodSync(directory, 0o755)
    writeFileSync(join(directory, 'file'), 'from a file')
    const container = await new GenericContainer(IMAGE)
      .withEntrypoint(['sh', '-c'])
      .withCommand(['sleep 100'])
      .withName(`configured-${process.pid}`)
      .withEnvironment({ GIVEN: 'yes' })
      .withLabels({ mine: 'label' })
      .withUser('33:33')
      .withWorkingDir('/srv')
      .withTmpFs({ '/scratch': 'rw,size=64k,mode=1777' })
      .withBindMounts([{ source: directory, target: '/bound', mode: 'ro' }])
      .withCopyFilesToContainer([{ source: join(directory, 'file'), target: '/copied/deep/file' }])
      .withExtraHosts([{ host: 'other', ipAddress: '10.1.2.3' }])
      .withUlimits({ nofile: { hard: 200, soft: 100 } })
      .withResourcesQuota({ memory: 0.05 })
      .withSharedMemorySize(1024 * 1024)
      .withAddedCapabilities('NET_ADMIN')
      .withDroppedCapabilities('MKNOD')
      .withStartupTimeout(20_000)
      .start()
    const look =
      'echo $GIVEN; pwd; id -u; cat /bound/file /copied/deep/file; grep other /etc/hosts; ulimit -Hn; touch /bound/x 2>&1; touch /scratch/y && echo ok'
    tell('configured', await container.exec(['sh', '-c', look]))
    tell('labels', container.getLabels()['mine'])
    tell(
      'commit',
      await attempt(async () => (await container.commit({ repo: 'kept', tag: '1' })).startsWith('sha256:')),
    )
    await container.stop({ timeout: 100 })
    writeFileSync(
      join(directory, 'Dockerfile'),
      `FROM ${IMAGE}\nARG WHO\nRUN echo "built for $WHO" > /built\nCMD ["sleep", "100"]\n`,
    )
    const built = await GenericContainer.fromDockerfile(directory)
      .withBuildArgs({ WHO: 'tests' })
      .build('testcontainers-built:1', { deleteOnExit: false })
    const running = await built.start()
    tell('built', await running.exec(['cat', '/built']))
    await running.stop({ timeout: 100 })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

// testcontainers lets the process end while it follows logs.
const deadline = systemClock.setTimer(MS_MAX, () => process.exit(1))
for (const [name, scenario] of Object.entries({ waitsForHttp, waitsForOtherThings, joinsNetworks, configures })) {
  tell(`${name} ended`, await attempt(scenario))
}
deadline.cancel()
process.exit(0)
