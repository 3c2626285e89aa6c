import type { OptionDefinition } from '../../command.ts'

/** Options that stand before the command, as docker-machine had them. Those that are hidden are known, to be refused by name. */
export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: '-s, --storage-path <folder>',
    summary: 'where machines are kept (default: ~/.shoal/machine) [$MACHINE_STORAGE_PATH]',
  },
  { flags: '-D, --debug', summary: 'show where an error came from' },
  { flags: '--native-ssh', summary: 'a client of SSH', hidden: true },
  {
    flags: '--tls-ca-cert <file>',
    summary: 'authority of engines in no cluster (default: certs/ca.pem of the store) [$MACHINE_TLS_CA_CERT]',
  },
  { flags: '--tls-ca-key <file>', summary: 'its private key (default: certs/ca-key.pem) [$MACHINE_TLS_CA_KEY]' },
  {
    flags: '--tls-client-cert <file>',
    summary: 'your certificate for them (default: certs/cert.pem) [$MACHINE_TLS_CLIENT_CERT]',
  },
  { flags: '--tls-client-key <file>', summary: 'its private key (default: certs/key.pem) [$MACHINE_TLS_CLIENT_KEY]' },
  { flags: '--github-api-token <token>', summary: 'a token', hidden: true },
  { flags: '--bugsnag-api-token <token>', summary: 'a token', hidden: true },
]

export const ASK_SUDO_PASS: OptionDefinition = {
  flags: '--ask-sudo-pass',
  summary: 'ask for the password of sudo there',
}

export const DRY_RUN: OptionDefinition = { flags: '--dry-run', summary: 'only say what would be done' }

export const LIST_FORMAT: OptionDefinition = {
  flags: '-f, --format <template>',
  summary: 'json, a template such as {{.Name}}, or "table {{.Name}}\\t{{.State}}"',
}

export const JSON_LINES: OptionDefinition = { flags: '--json', summary: 'one object a line: --format json' }
