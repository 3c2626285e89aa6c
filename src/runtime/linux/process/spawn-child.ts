import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { invariant } from '../../../core/invariant.ts'
import { libcFunction, SyscallError } from './libc.ts'

const O_CLOEXEC = 0o2000000
const WNOHANG = 1
const SET_SIGNAL_MASK = 0x08
const SET_SIGNAL_DEFAULTS = 0x04
/** More than the C library needs for these structures on any architecture. */
const STRUCTURE_BYTES = 512
const SIGNAL_SET_BYTES = 128

type Texts = readonly (string | null)[]

const posixSpawn = libcFunction<[Uint8Array, string, Uint8Array, Uint8Array, Texts, Texts]>(
  'int posix_spawn(void *pid, const char *path, const void *actions, const void *attributes, const char **argv, const char **envp)',
)
const initActions = libcFunction<[Uint8Array]>('int posix_spawn_file_actions_init(void *actions)')
const addDup = libcFunction<[Uint8Array, number, number]>(
  'int posix_spawn_file_actions_adddup2(void *actions, int fd, int newFd)',
)
const addChdir = libcFunction<[Uint8Array, string]>(
  'int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)',
)
const destroyActions = libcFunction<[Uint8Array]>('int posix_spawn_file_actions_destroy(void *actions)')
const initAttributes = libcFunction<[Uint8Array]>('int posix_spawnattr_init(void *attributes)')
const setFlags = libcFunction<[Uint8Array, number]>('int posix_spawnattr_setflags(void *attributes, short flags)')
const setDefaults = libcFunction<[Uint8Array, Uint8Array]>(
  'int posix_spawnattr_setsigdefault(void *attributes, const void *signals)',
)
const setMask = libcFunction<[Uint8Array, Uint8Array]>(
  'int posix_spawnattr_setsigmask(void *attributes, const void *signals)',
)
const makePipe = libcFunction<[Uint8Array, number]>('int pipe2(void *fds, int flags)')
const waitForChild = libcFunction<[number, null, number]>('int waitpid(int pid, void *status, int options)')

export interface ChildOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Descriptors 2, 3 … of the child (0 and 1 are /dev/null): those we read from it, and those it reads from us. */
  readonly pipes: readonly ('from' | 'to')[]
}

export interface SpawnedChild {
  /** Our ends, in the order asked for. */
  readonly pipes: readonly Socket[]
  /** Ends the child, and no other process that has its number by now. */
  readonly kill: () => void
  /** Lets the kernel forget the child, which stays a zombie until then. False if it has not ended yet. */
  readonly reap: () => boolean
}

/**
 * Starts a program in the time of a tenth of Node's `spawn`, which copies the page tables of this process, and what both
 * write to afterwards, and holds up everything meanwhile. Nobody is told when the child ends: whoever started it asks.
 *
 * Signals are handled and let through as by default. Throws a SyscallError if the program or the folder is not there.
 */
export function spawnChild(
  program: string,
  args: readonly string[],
  { cwd, env, pipes: wanted }: ChildOptions,
): SpawnedChild {
  const pipes: PipeEnds[] = []
  const nothing = openSync('/dev/null', 'r+')
  try {
    for (const direction of wanted) pipes.push(openPipe(direction))
    const theirs = [nothing, nothing, ...pipes.map(({ theirs: fd }) => fd)]
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    const pid = start(program, { argv: [program, ...args], variables, cwd, descriptors: theirs })
    let isReaped = false
    return {
      pipes: pipes.map(socketOf),
      kill: () => {
        if (!isReaped) process.kill(pid, 'SIGKILL')
      },
      reap: () => {
        isReaped ||= waitForChild(pid, null, WNOHANG) === pid
        return isReaped
      },
    }
  } catch (error) {
    for (const { ours } of pipes) closeSync(ours)
    throw error
  } finally {
    closeSync(nothing)
    for (const { theirs } of pipes) closeSync(theirs)
  }
}

interface Start {
  readonly argv: Texts
  readonly variables: Texts
  readonly cwd: string
  /** What becomes 0, 1, 2 … of the child. */
  readonly descriptors: readonly number[]
}

function start(program: string, { argv, variables, cwd, descriptors }: Start): number {
  const pid = new Int32Array(1)
  const actions = new Uint8Array(STRUCTURE_BYTES)
  const attributes = new Uint8Array(STRUCTURE_BYTES)
  initActions(actions)
  try {
    initAttributes(attributes)
    setFlags(attributes, SET_SIGNAL_DEFAULTS | SET_SIGNAL_MASK)
    setDefaults(attributes, new Uint8Array(SIGNAL_SET_BYTES).fill(0xff))
    setMask(attributes, new Uint8Array(SIGNAL_SET_BYTES))
    addChdir(actions, cwd)
    for (const [number, fd] of descriptors.entries()) {
      invariant(fd >= descriptors.length, 'a descriptor is not written over before it is copied')
      addDup(actions, fd, number)
    }
    const bytes = new Uint8Array(pid.buffer)
    const errno = posixSpawn(bytes, program, actions, attributes, [...argv, null], [...variables, null])
    if (errno !== 0) throw new SyscallError(`posix_spawn ${program}`, errno)
  } finally {
    destroyActions(actions)
  }
  return pid[0] ?? 0
}

interface PipeEnds {
  readonly ours: number
  readonly theirs: number
  readonly direction: 'from' | 'to'
}

function openPipe(direction: 'from' | 'to'): PipeEnds {
  const ends = new Int32Array(2)
  makePipe(new Uint8Array(ends.buffer), O_CLOEXEC)
  const [reading = -1, writing = -1] = ends
  return direction === 'from'
    ? { ours: reading, theirs: writing, direction }
    : { ours: writing, theirs: reading, direction }
}

/** Errors of a pipe are no news: the other end says so by being silent. */
function socketOf({ ours, direction }: PipeEnds): Socket {
  const isRead = direction === 'from'
  return new Socket({ fd: ours, readable: isRead, writable: !isRead }).on('error', () => {})
}
