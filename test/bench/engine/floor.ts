import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const SAMPLES = 40

/** The floor: one `runc run` of `true` on a root with busybox, in a new process each time. Milliseconds. */
export function measureFloor(directory: string): number[] {
  const bundle = join(directory, 'bundle')
  const root = join(directory, 'root')
  mkdirSync(join(root, 'bin'), { recursive: true })
  mkdirSync(bundle)
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  symlinkSync('busybox', join(root, 'bin/true'))
  spawnSync('runc', ['spec'], { cwd: bundle })
  writeFileSync(join(bundle, 'config.json'), specFor(join(bundle, 'config.json'), root))
  const run = ['--root', join(directory, 'runc'), 'run', '--bundle', bundle]
  return Array.from({ length: SAMPLES }, (_, index) => {
    const from = performance.now()
    const { status, stderr } = spawnSync('runc', [...run, `bench-${process.pid}-${index}`])
    if (status !== 0) throw new Error(`runc run failed: ${String(stderr)}`)
    return performance.now() - from
  })
}

/** runc's own default spec, running `true` in our root. */
function specFor(file: string, root: string): string {
  const spec = JSON.parse(readFileSync(file, 'utf8'))
  spec.root = { path: root, readonly: false }
  spec.process = { ...spec.process, terminal: false, args: ['true'], env: ['PATH=/bin'] }
  return JSON.stringify(spec)
}
