import { invalidInput } from '../../core/errors.ts'
import { digitaloceanDriver } from './cloud/digitalocean.ts'
import { hetznerDriver } from './cloud/hetzner.ts'
import type { Driver } from './driver.ts'
import { genericDriver } from './generic.ts'
import { noneDriver } from './none.ts'
import { qemuDriver } from './qemu/qemu.ts'

/** Every way to have machines. A new driver is a file and a row here. */
export const DRIVERS: readonly Driver[] = [genericDriver, noneDriver, qemuDriver, hetznerDriver, digitaloceanDriver]

/** Throws NO_SUCH_DRIVER, which says what drivers there are. */
export function driverOf(name: string): Driver {
  const driver = DRIVERS.find(each => each.name === name)
  if (driver !== undefined) return driver
  const known = DRIVERS.map(each => each.name).join(', ')
  throw invalidInput('NO_SUCH_DRIVER', `Driver "${name}" not found: there are ${known}`)
}
