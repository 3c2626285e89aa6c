import type { Settings } from '../../model/machine.ts'
import { numberOf, textOf } from '../settings.ts'
import { type Forward, isBridged } from './qemu-settings.ts'

/** Files of a machine, by their names in its folder. QEMU runs there, so that no path of ours gets into its options. */
export const VM_FILES = {
  disk: 'disk.qcow2',
  initrd: 'initrd',
  pid: 'qemu.pid',
  /** What the machine says on its console. */
  console: 'console.log',
  /** What QEMU says: why it did not start, why it ended. */
  log: 'qemu.log',
  /** QEMU's monitor speaks with one program at a time; who only looks must not wait for who works. */
  work: 'work.sock',
  look: 'look.sock',
} as const

/** QEMU's name for the machine's disk. */
export const DISK_NODE = 'disk'

/** What a machine's QEMU is told beside its settings. */
export interface VmFacts {
  readonly name: string
  readonly id: string
  readonly kernel: string
  /** Of its interface: `52:54:00:…`. */
  readonly mac: string
  readonly forwards: readonly Forward[]
  /** Interface of this host that is its end of the cable. */
  readonly tap: string
}

/** A guest that has gone quiet for good must show in its log, not hang. */
const KERNEL_WORDS = 'root=/dev/vda console=ttyS0 quiet panic=5 net.ifnames=0 systemd.show_status=no'

/** The words that start a machine's QEMU, in the machine's folder. */
export function qemuWords(settings: Settings, facts: VmFacts): readonly string[] {
  const disk = `file.driver=file,file.filename=${VM_FILES.disk},file.discard=unmap`
  const options: readonly (readonly string[])[] = [
    ['-name', `guest=${facts.name}`, '-uuid', facts.id],
    ['-no-user-config', '-nodefaults', '-display', 'none'],
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ['-machine', 'q35,usb=off,vmport=off,hpet=off'],
    acceleration(textOf(settings, 'qemu-accel')),
    ['-smp', String(numberOf(settings, 'qemu-cpus')), '-m', `${numberOf(settings, 'qemu-memory')}M`],
    ['-kernel', facts.kernel, '-initrd', VM_FILES.initrd, '-append', KERNEL_WORDS],
    ['-blockdev', `driver=qcow2,node-name=${DISK_NODE},discard=unmap,${disk}`],
    ['-device', `virtio-blk-pci,drive=${DISK_NODE}`],
    ['-netdev', netdev(settings, facts), '-device', `virtio-net-pci,netdev=net,mac=${facts.mac}`],
    ['-device', 'virtio-rng-pci'],
    ['-chardev', `file,id=console,path=${VM_FILES.console}`, '-serial', 'chardev:console'],
    ...[VM_FILES.work, VM_FILES.look].map(socket => ['-qmp', `unix:${socket},server=on,wait=off`]),
    ['-rtc', 'base=utc', '-pidfile', VM_FILES.pid],
  ]
  return ['qemu-system-x86_64', ...options.flat()]
}

/** Two that are named are tried in turn. `max` is all that either can do; a machine does not move to another host's CPU. */
function acceleration(wanted: string): readonly string[] {
  const names = wanted === 'auto' ? ['kvm', 'tcg'] : [wanted]
  return [...names.flatMap(name => ['-accel', name]), '-cpu', 'max']
}

function netdev(settings: Settings, { forwards, tap }: VmFacts): string {
  if (isBridged(settings)) return `tap,id=net,ifname=${tap},script=no,downscript=no`
  return ['user,id=net', ...forwards.map(({ host, guest }) => `hostfwd=tcp:127.0.0.1:${host}-:${guest}`)].join(',')
}
