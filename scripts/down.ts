import { rmSync } from 'node:fs'
import { hosts, IMAGES, pidFile, STATE } from './lib/demo.ts'
import { endRemembered } from './lib/processes.ts'

/** Removes the demo cluster: processes, hosts, mounts, namespaces, bridge, cgroups and data. With --all its images too. */
const say = (text: string): void => void process.stderr.write(`==> ${text}\n`)

say('Removing hosts')
await hosts.removeAll()
for (const program of ['manager', 'etcd', 'registry']) {
  say(`Stopping ${program}`)
  await endRemembered(pidFile(program))
}
rmSync(STATE, { recursive: true, force: true })
if (process.argv.includes('--all')) rmSync(IMAGES, { recursive: true, force: true })
say(
  process.argv.includes('--all')
    ? 'Nothing is left'
    : `Nothing is left but the demo images in ${IMAGES} (remove them with: npm run down -- --all)`,
)
