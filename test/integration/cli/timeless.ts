import type { CliResult } from '../../support/docker-cli.ts'

/** A command's result without what differs between two runs of it: times, and the name of the program. */
export function timeless({ code, stdout, stderr }: CliResult): CliResult {
  const blur = (text: string): string =>
    text
      .replaceAll(/(Less than a second|\d+ seconds?|About a minute|\d+ minutes?)( ago| {2,})?/g, 'a while')
      .replaceAll(/ {2,}/g, '  ')
      // What a process has had of a processor, as `ps` sees it at that moment.
      .replaceAll(/^(\S+ +\d+ +\d+ +)\d+( +\d\d:\d\d )/gm, '$1C$2')
      .replaceAll(/^docker: |^shoal: /gm, '')
      .replaceAll(/(Usage: {1,2}|Run '|')(docker|shoal) /g, '$1')
      // Docker sees where it must, or where it may.
      .replaceAll(/^(SRun|See) '/gm, "Run '")
  return { code, stdout: blur(stdout), stderr: blur(stderr) }
}
