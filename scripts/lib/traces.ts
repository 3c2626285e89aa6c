import { readdirSync, readFileSync } from 'node:fs'
import { commandLineOf } from './processes.ts'

/** Programs, sessions of an sshd of the tests, whose listener has another name, and connections that ssh keeps for our commands. */
const PROGRAMS =
  /(^|\/)(conmon|runc|etcd|docker-registry|dockerd|containerd|sshd|tini|nsenter|qemu-system-x86_64)( |$)|\/(main\/cli|dist\/main)|^sshd: \S+@notty|^ssh: \S*\/shoal-\S+ \[mux\]/

/** What runs of this project may leave on a machine: processes, namespaces, interfaces, mounts, cgroups, nft tables. */
export function traces(): Set<string> {
  const found = new Set<string>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const line = commandLineOf(Number(entry))
    if (PROGRAMS.test(line)) found.add(`process ${entry}: ${line.slice(0, 120)}`)
  }
  for (const name of readDirectory('/run/netns')) found.add(`network namespace ${name}`)
  for (const name of readDirectory('/sys/class/net')) found.add(`interface ${name}`)
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const target = line.split(' ')[4]
    if (target !== undefined) found.add(`mount ${target}`)
  }
  for (const hierarchy of ['', 'memory/', 'pids/', 'cpu/', 'unified/']) {
    for (const name of readDirectory(`/sys/fs/cgroup/${hierarchy}`)) {
      if (name.startsWith('shoal') || name.startsWith('sh-')) found.add(`cgroup ${hierarchy}${name}`)
    }
  }
  return found
}

function readDirectory(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
