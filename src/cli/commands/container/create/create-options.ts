import type { OptionDefinition } from '../../../command.ts'
import { flag, flags, NO_TRUST, refused } from '../../../engine/options.ts'
import { FIELD_FLAGS } from './field-flags.ts'

const WINDOWS = 'is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux'

/** Every flag of `create` and `run` that describes the container. */
export const CREATE_OPTIONS: readonly OptionDefinition[] = [
  flag('--name <name>', 'name of the container'),
  flag('-i, --interactive', 'keep its input open'),
  flags('-a, --attach <stream>', 'attach only to stdin, stdout or stderr'),
  flags('-e, --env <name[=value]>', 'set a variable, or pass ours on'),
  flags('--env-file <path>', 'a file of variables'),
  flags('-l, --label <key[=value]>', 'set a label'),
  flags('--label-file <path>', 'a file of labels'),
  flags('-p, --publish <port>', 'publish a port: [[address:]host:]container[/protocol]'),
  flags('--expose <port>', 'expose a port or a range'),
  flags('--network <network>', 'connect to a network: name, or name=,alias=,ip='),
  flags('--net <network>', 'same as --network'),
  flags('--network-alias <name>', 'another name on the network'),
  flags('--net-alias <name>', 'same as --network-alias'),
  flag('--ip <address>', 'its IPv4 address'),
  flag('--ip6 <address>', 'its IPv6 address'),
  flags('--link-local-ip <address>', 'a link-local address'),
  flag('--mac-address <address>', 'its MAC address'),
  flag('--entrypoint <command>', "instead of the image's entry point"),
  flag('--health-cmd <command>', 'command that checks its health'),
  flag('--health-interval <duration>', 'time between two checks'),
  flag('--health-timeout <duration>', 'longest time of a check'),
  flag('--health-start-period <duration>', 'time in which failures do not count'),
  flag('--health-start-interval <duration>', 'time between checks in that time'),
  flag('--health-retries <number>', 'failures that make it unhealthy'),
  flag('--no-healthcheck', 'no health check, not even the image’s'),
  flag('--gpus <request>', 'GPUs: all, or a number'),
  ...FIELD_FLAGS,
  NO_TRUST,
  ...['--cpu-count', '--cpu-percent', '--io-maxbandwidth', '--io-maxiops'].map(name =>
    refused(`${name} <value>`, WINDOWS),
  ),
  refused('--use-api-socket', 'is not supported: mount the socket with -v'),
]
