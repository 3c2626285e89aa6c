import { badFlag, type RunCommand } from '../cli/index.ts'

/** `swarm create`: a name that no other cluster has, 32 hexadecimal digits as classic Swarm's tokens were. */
export const runCreate: RunCommand = async ({ args, command }, { stdout, stderr, random }) => {
  if (args.length > 0) throw badFlag(`the \`create\` command takes no arguments. See '${command} --help'.`)
  const name = random.bytes(16).toString('hex')
  stdout.write(`${name}\n`)
  stderr.write(`Use it as the path of the discovery URL: swarm join --advertise <ip:2375> etcd://<ip:2379>/${name}\n`)
}
