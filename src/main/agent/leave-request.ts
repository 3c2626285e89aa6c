import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../core/errors.ts'
import { writeDurably } from '../../runtime/linux/files/durable-file.ts'
import { forgetIdentity } from '../trust/identity-files.ts'

/** What `swarm leave` wants of the agent that it tells to end. */
export interface LeaveRequest {
  /** Remove the cluster's networks and rules too. */
  readonly purge: boolean
}

/** Where an agent joined, for commands on its host. */
export interface Joined {
  readonly name: string
  readonly discovery: string
  readonly discoveryOptions: Readonly<Record<string, string>>
}

/** Where the certificate of this node is. */
export function agentIdentityDirectory(directory: string): string {
  return join(directory, 'identity')
}

const REQUEST = 'leave.json'
const JOINED = 'joined.json'
const MEMORY = 'agent.json'

/** The file in which an agent keeps what it remembers. */
export function memoryPath(directory: string): string {
  return join(directory, MEMORY)
}

export async function writeLeaveRequest(directory: string, request: LeaveRequest): Promise<void> {
  await writeDurably(join(directory, REQUEST), JSON.stringify(request))
}

/** A request is for one end of the agent: it is gone once it was taken. */
export async function takeLeaveRequest(directory: string): Promise<LeaveRequest | undefined> {
  const found = await readJson<LeaveRequest>(join(directory, REQUEST))
  await rm(join(directory, REQUEST), { force: true })
  return found
}

export async function writeJoined(directory: string, joined: Joined): Promise<void> {
  await writeDurably(join(directory, JOINED), JSON.stringify(joined))
}

export function readJoined(directory: string): Promise<Joined | undefined> {
  return readJson<Joined>(join(directory, JOINED))
}

/** Makes the directory one that belongs to no cluster. */
export async function forgetCluster(directory: string): Promise<void> {
  for (const file of [MEMORY, JOINED, REQUEST]) await rm(join(directory, file), { force: true })
  await forgetIdentity(agentIdentityDirectory(directory))
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (error) {
    // Half a file of an earlier life is as good as none.
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}
