import type { HostConfig } from '../../../docker-api/index.ts'
import { readSecurityOptions } from './security-options.ts'

/** Kernel files that show or change the host. Source: Docker's defaults. */
export const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]

export const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** What a container finds empty, and what read-only: what it asked for, or else the defaults. */
export function systemPathsOf(host: HostConfig): {
  readonly masked: readonly string[]
  readonly readOnly: readonly string[]
} {
  if (host.Privileged === true) return { masked: [], readOnly: [] }
  const isOpen = readSecurityOptions(host.SecurityOpt ?? []).openSystemPaths
  return {
    masked: host.MaskedPaths ?? (isOpen ? [] : MASKED_PATHS),
    readOnly: host.ReadonlyPaths ?? (isOpen ? [] : READONLY_PATHS),
  }
}
