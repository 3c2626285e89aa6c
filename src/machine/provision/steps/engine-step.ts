import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { invalidInput } from '../../../core/errors.ts'
import { familyOf, type OsFamily, packagesFor } from '../../hosts/os-table.ts'
import { bundleId } from '../bundle/bundle.ts'
import { ownerFile } from '../owner-file.ts'
import { putFiles } from '../put-files.ts'
import { SWITCH_BUNDLE, UNPACK_BUNDLE } from '../scripts/bundle-scripts.ts'
import { PUT_DOCKER_CONFIG, START_DOCKER } from '../scripts/docker-scripts.ts'
import { DISABLE_ETCD, LACKING_PACKAGES, RUN_COMMAND } from '../scripts/package-scripts.ts'
import type { Scene, Step, StepWork } from '../step.ts'
import { dockerConfigFile, isOursToStart } from './docker-config.ts'

const INSTALL_MS_MAX = 1_200_000
const PUSH_MS_MAX = 1_200_000
const SWITCH_MS_MAX = 120_000
/** Until it answers, once it was started for the first time. */
const DOCKER_S_MAX = 90

/** What must be on the host before anything runs: packages of its distribution, and Shoal. */
export const engineStep: Step = {
  name: 'engine',
  title: 'packages and program',
  plan(scene) {
    const { facts, wish } = scene
    const packages = packagesOf(scene)
    return [
      ...(packages.length === 0 ? [] : [`install ${packages.join(', ')}`]),
      ...(hasForeignEtcd(scene) ? ['keep the etcd of a package from starting'] : []),
      ...(needsBundle(scene) ? [`push Shoal ${wish.bundle.version}`] : []),
      ...(dockerConfigFile(scene) === undefined ? [] : ["change Docker's daemon.json"]),
      ...(isOursToStart(facts) && wish.needed.includes('docker') ? ['start Docker'] : []),
    ]
  },
  kept: ({ facts, wish }) =>
    wish.services.length === 0 ? `Docker ${facts.docker?.version} kept` : `Shoal ${wish.bundle.version} kept`,
  async apply(work) {
    const packages = packagesOf(work)
    const added = packages.length === 0 ? [] : await installPackages(packages, work)
    if (work.facts.missing.has('etcd') || hasForeignEtcd(work)) {
      await work.shell.do('keep its etcd from starting', DISABLE_ETCD, [], {
        timeoutMs: SWITCH_MS_MAX,
        signal: work.signal,
      })
    }
    if (needsBundle(work)) await pushBundle(work)
    const file = dockerConfigFile(work)
    // What is ours in it first, so that whoever cleans the host knows.
    if (file !== undefined) await putFiles([ownerFile(work, added), file], work, PUT_DOCKER_CONFIG)
    if (isOursToStart(work.facts) && work.wish.needed.includes('docker')) {
      await work.shell.do('start Docker', START_DOCKER, [work.facts.init, String(DOCKER_S_MAX)], {
        timeoutMs: (DOCKER_S_MAX + SWITCH_MS_MAX / 1_000) * 1_000,
        signal: work.signal,
      })
    }
  },
}

/** Where Docker is all that runs nothing of ours is. */
function needsBundle({ facts, wish }: Scene): boolean {
  return wish.services.length > 0 && facts.current !== `versions/${bundleId(wish.bundle)}`
}

/** The service of a package that we installed; of one that was there before the person knows. */
function hasForeignEtcd({ facts, wish }: Scene): boolean {
  const isOurs = facts.owner.installed?.some(name => name.startsWith('etcd')) === true
  return isOurs && facts.autostart.has('etcd') && wish.needed.includes('etcd')
}

function packagesOf({ facts }: Scene): string[] {
  const family = familyOf(facts.os)
  return family === undefined ? [] : packagesFor(family, facts.missing)
}

/** Resolves with those that were not there before. */
async function installPackages(packages: readonly string[], work: StepWork): Promise<readonly string[]> {
  const family = familyOf(work.facts.os)
  if (family === undefined) return []
  // A package may be there without the program that is missing: it is the person's own.
  const lacking = await work.shell.do('look at its packages', LACKING_PACKAGES, [family.database, ...packages], {
    timeoutMs: SWITCH_MS_MAX,
    signal: work.signal,
  })
  const added = packages.filter(name => lacking.split('\n').includes(name))
  // Noted on the host first, so that whoever cleans it knows what was not there before.
  await putFiles([ownerFile(work, added)], work)
  const { database, remove } = family
  if (added.length > 0) await work.note({ undo: 'remove-packages', packages: added, database, words: remove })
  const { packageDirectory, offline } = work.wish
  if (packageDirectory !== undefined) await installFiles(packageDirectory, family, work)
  if (packageDirectory !== undefined || offline) return added
  for (const [index, words] of family.install.entries()) {
    const isLast = index === family.install.length - 1
    await runCommand(isLast ? [...words, ...packages] : words, work)
  }
  return added
}

async function installFiles(directory: string, family: OsFamily, work: StepWork): Promise<void> {
  const names = (await readdir(directory)).filter(name => name.endsWith(family.suffix)).toSorted()
  if (names.length === 0) {
    throw invalidInput(
      'NO_PACKAGE_FILES',
      `${directory} has no files that end with ${family.suffix}, as ${family.name} installs`,
    )
  }
  const folder = '/var/lib/shoal-machine/packages'
  const paths: string[] = []
  for (const name of names) {
    const path = `${folder}/${name}`
    await work.shell.do(`push ${name}`, PUT_PACKAGE, [path], {
      stdin: await readFile(join(directory, name)),
      timeoutMs: PUSH_MS_MAX,
      signal: work.signal,
    })
    paths.push(path)
  }
  await runCommand([...family.installFiles, ...paths], work)
  await runCommand(['rm', '-rf', folder], work)
}

const PUT_PACKAGE = String.raw`
set -eu
umask 022
mkdir -p "$(dirname "$1")"
cat > "$1.part"
mv "$1.part" "$1"
`

async function runCommand(words: readonly string[], { shell, signal, say }: StepWork): Promise<void> {
  await shell.do(`run ${words.slice(0, 6).join(' ')}`, RUN_COMMAND, words, {
    timeoutMs: INSTALL_MS_MAX,
    signal,
    onLine: say,
  })
}

async function pushBundle({ facts, wish: { bundle }, shell, signal, say, note }: StepWork): Promise<void> {
  const id = bundleId(bundle)
  const before = facts.current.replace('versions/', '')
  if (before === id) return
  if (!facts.versions.has(id)) {
    const content = await bundle.content()
    say(`pushing ${Math.ceil(content.length / 1024 ** 2)} MiB`)
    const options = { stdin: content, timeoutMs: PUSH_MS_MAX, signal, onLine: say }
    await shell.do('push the bundle', UNPACK_BUNDLE, [id, bundle.digest], options)
  }
  await note({ undo: 'switch-bundle', to: before === '' ? undefined : before })
  await shell.do('switch to the bundle', SWITCH_BUNDLE, [id], { timeoutMs: SWITCH_MS_MAX, signal })
}
