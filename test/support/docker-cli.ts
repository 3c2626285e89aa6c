import { spawn } from 'node:child_process'
import { resolve as resolvePath } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly input?: string
  /** Ends the command with SIGINT once its output contains this. */
  readonly until?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Milliseconds until it is killed; 60,000 unless told. */
  readonly timeoutMs?: number
}

const COMMAND_MS_MAX = 60_000

/** Runs the docker command line against a host; resolves with whatever came of it. */
export function docker(host: string, argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return execute(['docker', '-H', host, ...argv], options)
}

/** Without a host: what its configuration and the environment say. */
export function dockerPlain(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return execute(['docker', ...argv], options)
}

/** The same behind a terminal, as script(1) makes one. */
export function dockerInTerminal(host: string, command: string, options: CliOptions = {}): Promise<CliResult> {
  const script = `stty rows 30 cols 100; docker -H ${host} ${command}`
  return execute(['script', '--quiet', '--return', '--command', script, '/dev/null'], options)
}

const SHOAL = [process.execPath, '--disable-warning=ExperimentalWarning', resolvePath('src/main/cli.ts'), 'shoal']

/** Runs our own command line against a host. */
export function shoal(host: string, argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return execute([...SHOAL, '-H', host, ...argv], options)
}

export function shoalPlain(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return execute([...SHOAL, ...argv], options)
}

/** The same behind a terminal of 30 lines and 100 columns. */
export function shoalInTerminal(host: string, command: string, options: CliOptions = {}): Promise<CliResult> {
  const script = `stty rows 30 cols 100; ${SHOAL.join(' ')} -H ${host} ${command}`
  return execute(['script', '--quiet', '--return', '--command', script, '/dev/null'], options)
}

function execute([program = '', ...argv]: readonly string[], options: CliOptions): Promise<CliResult> {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', DOCKER_BUILDKIT: '0', ...options.environment }
  const child = spawn(program, argv, { env, cwd: options.cwd, stdio: 'pipe' })
  const timer = systemClock.setTimer(options.timeoutMs ?? COMMAND_MS_MAX, () => child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  let isAwaited = false
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString()
    // Once: a second one would interrupt what the first one led to.
    if (isAwaited || options.until === undefined || !stdout.includes(options.until)) return
    isAwaited = true
    child.kill('SIGINT')
  })
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  // A command that ends before it reads its input is no failure of the test.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      timer.cancel()
      resolve({ code: code ?? -1, stdout, stderr })
    })
  })
}
