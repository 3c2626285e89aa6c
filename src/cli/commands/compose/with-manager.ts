import type { RunCommand } from '../../command.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'
import { MANAGER } from '../../manager/manager-address.ts'
import { type ManagerApi, managerApi } from './manager-api.ts'

export interface ComposeCommand extends EngineCommand {
  readonly manager: ManagerApi
}

/** Makes a command of what is done with the manager and the Docker Engine API that it serves over all hosts. */
export function withManager(work: (command: ComposeCommand) => Promise<number | void>): RunCommand {
  return withEngine(command => work({ ...command, manager: managerApi(command, command.context) }), MANAGER)
}
