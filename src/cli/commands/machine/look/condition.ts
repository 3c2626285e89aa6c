import { type Machine, type MachineState, readProvisionRecord } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import type { MachineLook } from './look-at.ts'
import { stateOf } from './state.ts'

type Looking = Pick<MachineCommand, 'context' | 'store' | 'world'>

/** What is to be seen of a machine whose making has not come to its end, whatever its host does; undefined: it was made. */
export async function unfinishedLook({ name }: Machine, { store }: Looking): Promise<MachineLook | undefined> {
  const unfinished = await store.unfinished(name)
  if (unfinished === undefined) return undefined
  const { step, error } = unfinished
  const at = step === undefined ? '' : ` at ${step}`
  const how = error === undefined ? `its making was ended${at}, or goes on` : `failed${at}: ${error}`
  const todo = error === undefined ? `run \`machine create ${name}\`` : `see \`machine doctor ${name}\``
  return {
    state: 'Error',
    engineVersion: '',
    error: `not provisioned, ${how}; run \`machine create ${name}\``,
    brief: `not provisioned, ${error === undefined ? `ended${at}, or goes on` : `failed${at}`}: ${todo}`,
    responseMs: 0,
  }
}

/** The same, or what its driver says that it does. */
export async function conditionOf(machine: Machine, command: Looking): Promise<MachineState> {
  return (await unfinishedLook(machine, command))?.state ?? stateOf(machine, command)
}

/** What the last provisioning of a machine that is there failed at; empty: it came to its end, or there was none. */
export async function lastFailure({ name }: Machine, { store }: Looking): Promise<string> {
  const record = await readProvisionRecord(store.folderOf(name))
  const [step, found] = Object.entries(record?.steps ?? {}).find(([, { status }]) => isOpen(status)) ?? []
  if (step === undefined || found === undefined) return ''
  const how = found.error === undefined ? `was ended at ${step}, or goes on` : `failed at ${step}: ${found.error}`
  return `its last provisioning ${how}; run \`machine provision ${name}\``
}

function isOpen(status: string): boolean {
  return status === 'failed' || status === 'running'
}
