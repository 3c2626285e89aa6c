import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../../scripts/lib/command.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { buildImage, imageOf, type MachineImage } from '../../../src/machine/drivers/qemu/image/build-image.ts'
import { MEMBER, MODULES } from '../../../src/machine/drivers/qemu/image/recipe.ts'
import { driverPorts, MachineStore } from '../../../src/machine/index.ts'

const RECIPE = { contents: MEMBER, suite: 'bookworm', mirror: '', packages: [] }
const { signal } = new AbortController()

/** Stands for the programs that build an image: the root that `mmdebstrap` would unpack has what is taken out of it. */
const PROGRAMS = {
  mmdebstrap: `echo built >>"$FOLDER/built"
until [ -e "$FOLDER/go" ]; do sleep 0.01; done
for word; do case $word in */root) root=$word ;; esac; done
mkdir -p "$root/usr/lib/modules/6.1" "$root/usr/bin" "$root/boot"
: >"$root/usr/lib/modules/6.1/modules.dep"
for name in ${MODULES.join(' ')}; do echo "kernel/$name.ko"; done >"$root/usr/lib/modules/6.1/modules.builtin"
echo busybox >"$root/usr/bin/busybox"
echo kernel >"$root/boot/vmlinuz-6.1"`,
  mke2fs: 'for word; do case $word in *.raw) : >"$word" ;; esac; done',
  'qemu-img': 'for word; do case $word in *.qcow2) : >"$word" ;; esac; done',
}

let folder: string
let clock: ManualClock
let said: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-image-'))
  mkdirSync(join(folder, 'bin'))
  for (const [name, script] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\nset -e\n${script}\n`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  clock = new ManualClock()
  said = []
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const held = new Set<string>()

function lock(path: string) {
  if (held.has(path)) return { held: false, holder: '4711' } as const
  held.add(path)
  return { held: true, release: () => void held.delete(path) } as const
}

function build(machine: string): Promise<MachineImage> {
  const files = { writeDurably: async () => {}, lock }
  const store = new MachineStore(join(folder, 'store'), { clock, files })
  const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, FOLDER: folder }
  const report = (line: string): void => void said.push(`${machine}: ${line.split(',')[0]}`)
  return buildImage(RECIPE, driverPorts(store, machine, { clock, random: seededRandom(1), env, report }), signal)
}

const letGo = (): void => writeFileSync(join(folder, 'go'), '')
const waiting = (): string[] => said.filter(line => line.includes('Waiting'))

/** Lets whoever waits for a lock look again until work is done. */
async function settled<T>(work: Promise<T>): Promise<T> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  work.then(over, over)
  await until('all to have it', async () => {
    await clock.advance(1_000)
    return isOver ? true : undefined
  })
  return work
}

const builds = (): number => readFileSync(join(folder, 'built'), 'utf8').trim().split('\n').length

it('is built once by several machines that are made at the same time, and by none that comes later', async () => {
  const all = Promise.all(['m1', 'm2', 'm3'].map(build))
  await until('two to wait', async () => (waiting().length === 2 ? true : undefined))
  letGo()
  const [image, ...others] = await settled(all)
  expect([...others, await build('m4')]).toEqual([image, image, image])
  expect(builds()).toBe(1)
  expect(Object.values(image ?? {}).map(path => existsSync(path))).toEqual([true, true, true])
  expect(waiting()).toEqual(Array(2).fill(expect.stringMatching(/^m\d: Waiting for process 4711$/)))
})

it('takes away what a build that was cut off left, and only that', async () => {
  const cache = join(folder, 'store/cache/qemu')
  const { disk } = imageOf(RECIPE, join(folder, 'store/cache'))
  const id = disk.split('/').at(-2) ?? ''
  mkdirSync(join(cache, `${id}.AbCdEf`, 'root'), { recursive: true })
  mkdirSync(join(cache, 'another.AbCdEf'))
  letGo()
  await build('m1')
  expect(readdirSync(cache).toSorted()).toEqual([id, 'another.AbCdEf'].toSorted())
})
