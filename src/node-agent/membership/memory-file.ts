import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode, failed } from '../../core/errors.ts'
import { writeDurably } from '../../runtime/linux/files/durable-file.ts'
import type { AgentMemory, AgentMemoryFile } from '../ports.ts'

/** Keeps the agent's memory in a JSON file of the data directory, never half written. */
export function agentMemoryFile(path: string): AgentMemoryFile {
  return {
    async read() {
      try {
        return parseMemory(await readFile(path, 'utf8'), path)
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined
        throw error
      }
    },
    async write(memory) {
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        await writeDurably(path, `${JSON.stringify(memory, undefined, 2)}\n`)
      } catch (cause) {
        throw failed('AGENT_STATE_WRITE', `Cannot write the agent's state ${path}: free space or fix its permissions`, {
          cause,
        })
      }
    },
  }
}

function parseMemory(text: string, path: string): AgentMemory {
  const fail = (cause?: unknown): never => {
    throw failed(
      'AGENT_STATE_UNREADABLE',
      `Cannot read the agent's state ${path}: remove the file to join as a new node`,
      { cause },
    )
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    return fail(cause)
  }
  if (typeof value !== 'object' || value === null) return fail()
  const { id, epoch, fencingToken, revision } = value as Partial<AgentMemory>
  if (typeof id !== 'string' || typeof epoch !== 'number') return fail()
  if (typeof fencingToken !== 'number' || typeof revision !== 'number') return fail()
  return value as AgentMemory
}
