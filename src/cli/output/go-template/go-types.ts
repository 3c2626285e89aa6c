/** What JSON does not say of the types behind it, which templates show all the same. */
export interface GoTypes {
  /** Its keys are free, as those of labels are. */
  readonly isMap: (value: object) => boolean
  /** A field that is left out where there is nothing to say. */
  readonly mayLack: (name: string) => boolean
  /** What stands for nothing in a field that holds a list or a map. */
  readonly emptyOf: (name: string) => object | undefined
  /** What stands for a key that a map does not have. */
  readonly zeroOf: (map: object) => unknown
}

const names = (text: string): readonly string[] => text.split(/\s+/)

/** Fields of the Docker API that hold maps with free keys. */
const MAPS: ReadonlySet<string> = new Set(
  names(`Labels Options DriverOpts Sysctls Tmpfs Annotations StorageOpt ExposedPorts Volumes PortBindings Ports Networks
  Containers AuxiliaryAddresses Data Details Runtimes IndexConfigs Attributes`),
)

/** And those that hold lists. */
const LISTS: ReadonlySet<string> = new Set(
  names(`Args Env Cmd Entrypoint OnBuild Shell Test Binds CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links
  SecurityOpt Devices DeviceCgroupRules DeviceRequests Ulimits BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps
  BlkioDeviceReadIOps BlkioDeviceWriteIOps VolumesFrom Mounts MaskedPaths ReadonlyPaths ExecIDs Aliases DNSNames
  RepoTags RepoDigests Layers Warnings`),
)

/** Fields that are only told where they say something. */
const LACKING: ReadonlySet<string> = new Set(
  names(`Health Healthcheck Init SizeRw SizeRootFs StopTimeout StopSignal MacAddress ArgsEscaped Shell OnBuild Test Mounts
  UsageData BindOptions VolumeOptions TmpfsOptions Annotations DeviceRequests Tmpfs Sysctls StorageOpt ExposedPorts
  Volumes Interval Timeout StartPeriod StartInterval Retries`),
)

/** Maps whose values are no texts, and what docker has for a key that is not there: `<no value>` or `<nil>`. */
const ZEROS: ReadonlyMap<string, unknown> = new Map([
  ['Ports', undefined],
  ['PortBindings', undefined],
  ['ExposedPorts', undefined],
  ['Networks', null],
  ['Containers', null],
])

/** The types of what the engine answers, by the names of its fields. */
export function dockerTypes(answer: unknown): GoTypes {
  const maps = new WeakMap<object, string>()
  const mark = (value: unknown, name: string, parent: string): void => {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      for (const item of value) mark(item, '', name)
      return
    }
    // A log's options and a container's configuration have one name.
    const isMap = MAPS.has(name) || (name === 'Config' && parent === 'LogConfig')
    if (isMap) maps.set(value, name)
    for (const [key, item] of Object.entries(value)) mark(item, isMap ? '' : key, name)
  }
  mark(answer, '', '')
  return {
    isMap: value => maps.has(value),
    mayLack: name => LACKING.has(name),
    emptyOf(name) {
      if (LISTS.has(name)) return []
      if (!MAPS.has(name)) return undefined
      const empty = {}
      maps.set(empty, name)
      return empty
    },
    zeroOf(map) {
      const name = maps.get(map) ?? ''
      return ZEROS.has(name) ? ZEROS.get(name) : ''
    },
  }
}
