import { withEngine } from '../../engine/engine-api.ts'
import { dockerTypes } from '../../output/go-template/go-types.ts'
import { compileTemplate } from '../../output/go-template/render.ts'
import { binarySize } from '../../output/size.ts'

type Info = Readonly<Record<string, unknown>>

/** `shoal info`: what the engine says of itself and its host. */
export const runInfo = withEngine(async ({ api, options, context }) => {
  const info = await api.ask<Info>('GET', '/info')
  const format = options.text('format') ?? ''
  if (format === 'json') context.stdout.write(`${JSON.stringify(info)}\n`)
  else if (format !== '') context.stdout.write(`${compileTemplate(format, { typesOf: dockerTypes })(info)}\n`)
  else context.stdout.write(infoText(info))
  const warnings = info['Warnings']
  if (format === '' && Array.isArray(warnings))
    context.stderr.write(warnings.map(warning => `${String(warning)}\n`).join(''))
})

type Line = readonly [name: string, value: unknown]

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Docker's lines, where the engine says something. */
function infoText(info: Info): string {
  const at = (name: string): unknown => info[name]
  const pairs = (name: string): readonly Line[] => {
    const value = at(name)
    return Array.isArray(value) ? value.map((pair: readonly string[]) => [` ${pair[0] ?? ''}`, pair[1] ?? '']) : []
  }
  const list = (name: string): readonly Line[] => {
    const value = at(name)
    return Array.isArray(value) ? value.map(item => [` ${text(item)}`, undefined]) : []
  }
  const memory = at('MemTotal')
  const lines: readonly Line[] = [
    ['Containers', at('Containers')],
    [' Running', at('ContainersRunning')],
    [' Paused', at('ContainersPaused')],
    [' Stopped', at('ContainersStopped')],
    ['Images', at('Images')],
    ['Server Version', at('ServerVersion')],
    ['Storage Driver', at('Driver')],
    ...pairs('DriverStatus'),
    ['Logging Driver', at('LoggingDriver')],
    ['Cgroup Driver', at('CgroupDriver')],
    ['Cgroup Version', at('CgroupVersion')],
    ...pairs('SystemStatus'),
    ['Default Runtime', at('DefaultRuntime')],
    ['Kernel Version', at('KernelVersion')],
    ['Operating System', at('OperatingSystem')],
    ['OSType', at('OSType')],
    ['Architecture', at('Architecture')],
    ['CPUs', at('NCPU')],
    ['Total Memory', typeof memory === 'number' ? binarySize(memory) : undefined],
    ['Name', at('Name')],
    ['ID', at('ID')],
    ['Docker Root Dir', at('DockerRootDir')],
    ['Debug Mode', at('Debug')],
    ['Experimental', at('ExperimentalBuild')],
    ['Labels', list('Labels').length === 0 ? undefined : ''],
    ...list('Labels'),
  ]
  const shown = lines.filter(([name, value]) => (value !== undefined && value !== null) || name.startsWith(' '))
  return shown.map(([name, value]) => (value === undefined ? ` ${name}\n` : ` ${name}: ${text(value)}\n`)).join('')
}
