import type { OptionDefinition } from '../../command.ts'

/** Options that stand before the command, as docker-machine had them. Those that are hidden are known, to be refused by name. */
export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: '-s, --storage-path <folder>',
    summary: 'where machines are kept (default: ~/.shoal/machine) [$MACHINE_STORAGE_PATH]',
  },
  { flags: '-D, --debug', summary: 'show where an error came from' },
  { flags: '--native-ssh', summary: 'a client of SSH', hidden: true },
  { flags: '--tls-ca-cert <file>', summary: 'a CA', hidden: true },
  { flags: '--tls-ca-key <file>', summary: 'the key of a CA', hidden: true },
  { flags: '--tls-client-cert <file>', summary: 'a certificate', hidden: true },
  { flags: '--tls-client-key <file>', summary: 'the key of a certificate', hidden: true },
  { flags: '--github-api-token <token>', summary: 'a token', hidden: true },
  { flags: '--bugsnag-api-token <token>', summary: 'a token', hidden: true },
]

export const ASK_SUDO_PASS: OptionDefinition = {
  flags: '--ask-sudo-pass',
  summary: 'ask for the password of sudo there',
}

export const DRY_RUN: OptionDefinition = { flags: '--dry-run', summary: 'only say what would be done' }
