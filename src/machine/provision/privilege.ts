import { failed, type ShoalError } from '../../core/errors.ts'
import type { Transport } from '../ssh/transport.ts'
import { HOST_PATH } from './host-paths.ts'
import type { Privilege } from './root-shell.ts'

const PROBE_MS_MAX = 30_000

const PROBE = String.raw`
PATH=${HOST_PATH}
LC_ALL=C
export PATH LC_ALL
[ "$(id -u)" = 0 ] && { echo root; exit 0; }
command -v sudo > /dev/null || { echo none; exit 0; }
sudo -n -- sh -c : 2>&1 < /dev/null && echo sudo
`

/** Without our PATH: sudo would not be found where only root looks. */
const TRY_PASSWORD = ['sudo', '-k', '-S', '-p', '', '--', 'sh', '-c', ':'] as const

/** How whoever logs in becomes root there. Throws NO_PRIVILEGE with what to do; where only a password is lacking, `asksPassword` says so. */
export async function findPrivilege(
  transport: Transport,
  {
    user,
    ask,
    signal,
  }: { readonly user: string; readonly ask?: (() => Promise<string>) | undefined; readonly signal: AbortSignal },
): Promise<Privilege> {
  const options = { timeoutMs: PROBE_MS_MAX, signal }
  const { stdout } = await transport.run(['sh', '-c', PROBE], options)
  const said = stdout.trim().split('\n')
  const last = said.at(-1) ?? ''
  if (last === 'root') return { by: 'root' }
  if (last === 'sudo') return { by: 'sudo' }
  if (last === 'none') throw noPrivilege(user, 'there is no sudo', 'log in as root, or install sudo')
  if (!/password/i.test(stdout)) throw noPrivilege(user, last, sudoersHint(user))
  if (ask === undefined) {
    throw noPrivilege(user, 'sudo asks for a password', `add --ask-sudo-pass, or ${sudoersHint(user)}`, {
      asksPassword: true,
    })
  }
  const password = await ask()
  const tried = await transport.run([...TRY_PASSWORD], { ...options, stdin: `${password}\n` })
  if (tried.code === 0) return { by: 'sudo-password', password }
  if (/not in the sudoers|not allowed|may not run/i.test(tried.stderr)) {
    throw noPrivilege(user, 'sudo does not let it', sudoersHint(user))
  }
  throw noPrivilege(user, 'sudo did not take the password', 'try again with the right one')
}

function sudoersHint(user: string): string {
  return `let it in there as root: echo '${user} ALL=(root) NOPASSWD: /bin/sh' > /etc/sudoers.d/shoal`
}

function noPrivilege(
  user: string,
  why: string,
  remedy: string,
  details: Readonly<Record<string, unknown>> = {},
): ShoalError {
  return failed('NO_PRIVILEGE', `${user} cannot become root on the host (${why}): ${remedy}`, { details })
}
