import { rm } from 'node:fs/promises'
import { demoCluster, IMAGES_DIRECTORY, say } from './lib/demo.ts'

/** Removes the demo cluster: processes, hosts, mounts, namespaces, bridge, cgroups, data. With --all its images too. */
const all = process.argv.includes('--all')

say('Removing the demo cluster')
await demoCluster().remove()
if (all) await rm(IMAGES_DIRECTORY, { recursive: true, force: true })
say(
  all
    ? 'Nothing is left'
    : `Only the demo images are left, in ${IMAGES_DIRECTORY} (to remove them: npm run down -- --all)`,
)
