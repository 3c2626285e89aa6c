import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { invalidInput } from '../../../core/errors.ts'
import type { RunCommand } from '../../command.ts'
import { configPath } from '../../engine/contexts/docker-config.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'
import { forgetLogin, saveLogin } from '../../engine/registry-login.ts'

const HUB = 'docker.io'
const HUB_ADDRESS = 'https://index.docker.io/v1/'

/** `shoal login [REGISTRY]`: tries a name and a password, and keeps them where docker does. */
export const runLogin = withEngine(async command => {
  const { api, args, context } = command
  const registry = args[0] ?? HUB
  const { username, password } = await credentials(command)
  const serveraddress = registry === HUB ? HUB_ADDRESS : registry
  const auth = { username, password, serveraddress }
  const { Status, IdentityToken } = await api.ask<{ Status?: string; IdentityToken?: string }>('POST', '/auth', {
    body: auth,
  })
  const token = IdentityToken === undefined || IdentityToken === '' ? {} : { identitytoken: IdentityToken }
  const where = await saveLogin(registry, { ...auth, ...token }, context.env)
  if (where === 'file') {
    const path = configPath(context.env)
    context.stderr.write(`\nWARNING! Your credentials are stored unencrypted in '${path}'.\n\n`)
  }
  context.stdout.write(`${Status ?? 'Login Succeeded'}\n`)
})

async function credentials({ options, context }: EngineCommand): Promise<{ username: string; password: string }> {
  const fromInput = options.flag('passwordStdin')
  const given = options.text('password')
  if (fromInput && given !== undefined) {
    throw invalidInput('BAD_FLAG', '--password and --password-stdin are mutually exclusive')
  }
  if (given !== undefined) {
    context.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n')
  }
  if (fromInput && options.text('username') === undefined) {
    throw invalidInput('BAD_FLAG', 'Must provide --username with --password-stdin')
  }
  const username = options.text('username') ?? (await ask('Username: ', context, false))
  if (username === '') throw invalidInput('BAD_FLAG', 'username is empty')
  const password = fromInput
    ? (await text(context.stdin)).replace(/\r?\n$/, '')
    : (given ?? (await ask('Password: ', context, true)))
  if (password === '') throw invalidInput('BAD_FLAG', 'password is empty')
  return { username, password }
}

/** Asks on the terminal; what is typed is not shown if it is a secret. */
async function ask(question: string, { stdin, stdout }: EngineCommand['context'], secret: boolean): Promise<string> {
  if (stdin.isTTY !== true)
    throw invalidInput('BAD_FLAG', 'Error: Cannot perform an interactive login from a non TTY device')
  stdout.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: secret ? nowhere : stdout, terminal: true })
  try {
    return (await lines.question('')).trim()
  } finally {
    lines.close()
    if (secret) stdout.write('\n')
  }
}

/** `shoal logout [REGISTRY]`. */
export const runLogout: RunCommand = async ({ args }, { stdout, env }) => {
  const registry = args[0] ?? HUB
  const shown = registry === HUB ? HUB_ADDRESS : registry
  const known = await forgetLogin(registry, env)
  stdout.write(known ? `Removing login credentials for ${shown}\n` : `Not logged in to ${shown}\n`)
}
