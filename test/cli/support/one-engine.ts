import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CommandGroup, ENGINE_OPTIONS, engineVerbs } from '../../../src/cli/index.ts'
import { type Outcome, runCommand } from './run.ts'

const root: CommandGroup = { name: 'shoal', summary: '', options: ENGINE_OPTIONS, commands: engineVerbs('9.9.9') }

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Runs a command line of `shoal` against an engine that answers as given. */
export async function runAgainst(
  argv: readonly string[],
  answer: Answer,
  world: NonNullable<Parameters<typeof runCommand>[1]> = {},
): Promise<Outcome> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const env = {
      HOME: '/nonexistent',
      DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ...world.env,
    }
    return await runCommand(argv, { root, ...world, env })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** Answers JSON. */
export function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
