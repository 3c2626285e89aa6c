import { failed } from '../../../../core/errors.ts'

/** What `depmod` wrote of a kernel's modules. */
export interface ModuleIndex {
  /** `modules.dep`: `a.ko: b.ko c.ko`, paths below the modules' folder; a module needs those behind it, the last one first. */
  readonly dependencies: string
  /** `modules.builtin`: those that the kernel itself has. */
  readonly builtin: string
}

/**
 * Paths of the modules that are named, with all that they need, in the order in which they must be loaded. Throws
 * NO_KERNEL_MODULE for one that the kernel does not have.
 */
export function modulesInOrder(names: readonly string[], { dependencies, builtin }: ModuleIndex): readonly string[] {
  const needs = new Map(dependencies.split('\n').filter(Boolean).map(readLine))
  const paths = new Map([...needs.keys()].map(path => [nameOf(path), path]))
  const builtinNames = new Set(builtin.split('\n').map(nameOf))
  const ordered = new Set<string>()
  for (const name of names) {
    if (builtinNames.has(name)) continue
    const path = paths.get(name)
    if (path === undefined) throw failed('NO_KERNEL_MODULE', `The kernel of the image has no module ${name}`)
    for (const needed of (needs.get(path) ?? []).toReversed()) ordered.add(needed)
    ordered.add(path)
  }
  return [...ordered]
}

function readLine(line: string): readonly [string, readonly string[]] {
  const [path = '', rest = ''] = line.split(':')
  return [path, rest.split(' ').filter(Boolean)]
}

/** `kernel/drivers/virtio/virtio_pci.ko` is `virtio_pci`; names are told with `_`, files may have `-`. */
function nameOf(path: string): string {
  return (path.split('/').at(-1) ?? '').replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_')
}
