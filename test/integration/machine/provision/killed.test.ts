import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SshHosts } from '../../../support/ssh-hosts.ts'
import { taskFor } from './lab.ts'
import { type ProvisionTask, provision } from './provision-program.ts'

/** Of a run on a bare host, from the question who we are to the last look. */
const COMMANDS = 10
const ADDRESS = '10.231.8.11'

let hosts: SshHosts

beforeAll(async () => {
  hosts = await SshHosts.open('sh-prk', '10.231.8')
  await hosts.start('k1', ADDRESS)
})

afterAll(() => hosts.close())

async function dies(task: ProvisionTask): Promise<void> {
  const program = fileURLToPath(new URL('./provision-program.ts', import.meta.url))
  const child = spawn(process.execPath, [program, JSON.stringify(task)], { stdio: ['ignore', 'inherit', 'inherit'] })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
}

/** As it was before anything was provisioned. */
async function makeBare(): Promise<void> {
  const stop = 'if [ -x /opt/shoal/supervise ]; then /opt/shoal/supervise stop agent; fi'
  await hosts.run(
    'k1',
    `${stop}; rm -rf /opt/shoal /etc/shoal /etc/init.d/shoal-agent /etc/sysctl.d/60-shoal.conf /run/shoal*`,
  )
}

const leftovers = (): Promise<string> =>
  hosts.run(
    'k1',
    "find /opt/shoal /etc/shoal /etc/init.d /etc/sysctl.d -name '*.shoal-new' -o -name '*.new' -o -name '.new-*' -o -name .incoming -o -name '*.part'",
  )

it('is killed around every command there is', async () => {
  await makeBare()
  expect(await provision(taskFor(hosts, 'k1', ADDRESS))).toMatchObject({ ok: true, roundTrips: COMMANDS })
})

it.each(Array.from({ length: COMMANDS }, (_, index) => index + 1))(
  'goes on after kill -9 around command %i, and leaves nothing half-written or doubled',
  async command => {
    for (const when of ['before', 'during'] as const) {
      await makeBare()
      const task = taskFor(hosts, 'k1', ADDRESS)
      await dies({ ...task, death: { command, when } })
      expect(await provision(task)).toMatchObject({ ok: true, exitCode: 0 })
      expect(await provision(task)).toMatchObject({ ok: true, changed: [], roundTrips: 2 })
      expect(await leftovers()).toBe('')
      expect((await hosts.run('k1', 'ls /opt/shoal/versions')).trim().split('\n')).toHaveLength(1)
      expect(hosts.pids('k1', /supervise run agent/)).toHaveLength(1)
      expect(hosts.pids('k1', /bin\/shoal engine/)).toHaveLength(1)
    }
  },
)
