import type { CommandGroup, CommandLeaf } from '../../command.ts'
import { FILTER, FORCE_YES, FORMAT, flag, flags, NO_TRUNC, NO_TRUST, QUIET, refused } from '../../engine/options.ts'

const group = 'Images:'

const NEWER_API = 'requires API version 1.48, which this client does not speak'
const OTHER_PLATFORM = refused('--platform <platform>', NEWER_API)

const images: CommandLeaf = {
  name: 'images',
  summary: 'list images',
  args: '[repository]',
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  group,
  options: [
    flag('-a, --all', 'also intermediate ones'),
    flag('--digests', 'also digests'),
    FILTER,
    FORMAT,
    NO_TRUNC,
    QUIET,
    flag('--tree', 'each image with all of its names; no other form goes with it'),
  ],
  load: async () => (await import('./images.ts')).runImages,
}

const PLATFORM = flag('--platform <platform>', 'for this platform: linux/arm64')

const transfers: readonly CommandLeaf[] = [
  {
    name: 'pull',
    summary: 'fetch an image from a registry',
    args: '<image>',
    usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
    group,
    options: [
      flag('-a, --all-tags', 'all tags of it'),
      PLATFORM,
      flag('-q, --quiet', 'only its name in the end'),
      NO_TRUST,
    ],
    load: async () => (await import('./transfer.ts')).runPull,
  },
  {
    name: 'push',
    summary: 'bring an image to a registry',
    args: '<image>',
    usage: '[OPTIONS] NAME[:TAG]',
    group,
    options: [
      flag('-a, --all-tags', 'all tags of it'),
      flag('-q, --quiet', 'only its name in the end'),
      NO_TRUST,
      flag('--platform <platform>', 'only if it is for this platform: linux/arm64'),
    ],
    load: async () => (await import('./transfer.ts')).runPush,
  },
  {
    name: 'save',
    summary: 'write images as a tar',
    args: '<image...>',
    group,
    options: [flag('-o, --output <path>', 'to a file instead of standard output'), OTHER_PLATFORM],
    load: async () => (await import('./transfer.ts')).runSave,
  },
  {
    name: 'load',
    summary: 'read images from a tar',
    group,
    options: [
      flag('-i, --input <path>', 'from a file instead of standard input'),
      flag('-q, --quiet', 'no progress'),
      OTHER_PLATFORM,
    ],
    load: async () => (await import('./transfer.ts')).runLoad,
  },
  {
    name: 'import',
    summary: 'make an image of a tar of files',
    args: '<file|url|-> [image]',
    usage: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
    group,
    options: [
      flags('-c, --change <instruction>', 'apply a Dockerfile instruction'),
      flag('-m, --message <text>', 'what it is'),
      PLATFORM,
    ],
    load: async () => (await import('./transfer.ts')).runImport,
  },
]

/** What only `docker buildx build` knows. */
const BUILDKIT_FLAGS = [
  '--allow <what>',
  '--annotation <annotation>',
  '--attest <what>',
  '--build-context <name=path>',
  '--builder <name>',
  '--cache-to <where>',
  '--call <method>',
  '--check',
  '--metadata-file <path>',
  '--no-cache-filter <stage>',
  '-o, --output <where>',
  '--provenance <what>',
  '--push',
  '--sbom <what>',
  '--ssh <agent>',
]

const build: CommandLeaf = {
  name: 'build',
  summary: 'build an image from a Dockerfile',
  args: '<folder|url|->',
  usage: '[OPTIONS] PATH | URL | -',
  group,
  options: [
    flags('-t, --tag <name>', 'name of the image'),
    flag('-f, --file <path>', 'the Dockerfile (default: Dockerfile in the folder)'),
    flag('--target <stage>', 'build up to this stage'),
    flags('--build-arg <name[=value]>', 'set an ARG, or pass ours on'),
    flags('--label <name=value>', 'set a label'),
    flags('--cache-from <image>', 'take layers of this image'),
    flag('--no-cache', 'run every step'),
    flag('--pull', 'look for newer base images'),
    flag('-q, --quiet', "only the image's id"),
    flag('--iidfile <path>', "write the image's id here"),
    flag('--network <mode>', 'network of RUN'),
    flags('--add-host <name:address>', 'a line of /etc/hosts in RUN'),
    PLATFORM,
    flag('--rm [boolean]', 'remove intermediate containers (default)'),
    flag('--force-rm', 'also after a failure'),
    flag('--squash', 'one new layer'),
    flag('-m, --memory <bytes>', 'limit of memory in RUN'),
    flag('--memory-swap <bytes>', 'limit of memory and swap in RUN'),
    flag('--shm-size <bytes>', 'size of /dev/shm in RUN'),
    flag('-c, --cpu-shares <number>', 'share of the CPU in RUN'),
    flag('--cpu-period <us>', 'period of the CPU limit'),
    flag('--cpu-quota <us>', 'CPU time in each period'),
    flag('--cpuset-cpus <list>', 'CPUs for RUN'),
    flag('--cpuset-mems <list>', 'memory nodes for RUN'),
    flag('--cgroup-parent <path>', 'parent of the control groups of RUN'),
    flags('--ulimit <name=soft[:hard]>', 'limit of a process in RUN'),
    flags('--security-opt <option>', 'security option'),
    flag('--isolation <name>', 'isolation technology'),
    flag('--compress', 'send the folder compressed'),
    flags('--secret <secret>', 'for RUN --mount=type=secret: id=,src= or id=,env='),
    flag('--progress <kind>', 'auto, plain, tty or quiet'),
    { flags: '--load', summary: 'keep the image in the engine (always)', hidden: true },
    NO_TRUST,
    ...BUILDKIT_FLAGS.map(name => refused(name, 'needs BuildKit, which is not supported')),
  ],
  load: async () => (await import('./build.ts')).runBuild,
}

const rmi: CommandLeaf = {
  name: 'rmi',
  summary: 'remove images',
  args: '<image...>',
  group,
  options: [
    flag('-f, --force', 'also if a container uses it'),
    flag('--no-prune', 'keep what only it was made of'),
    OTHER_PLATFORM,
  ],
  load: async () => (await import('./image-views.ts')).runRmi,
}

const others: readonly CommandLeaf[] = [
  {
    name: 'tag',
    summary: 'give an image another name',
    args: '<image> <name>',
    usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
    group,
    load: async () => (await import('./image-views.ts')).runTag,
  },
  {
    name: 'history',
    summary: 'show the layers of an image',
    args: '<image>',
    group,
    options: [
      FORMAT,
      flag('-H, --human [boolean]', 'sizes and times for people (default)'),
      NO_TRUNC,
      QUIET,
      OTHER_PLATFORM,
    ],
    load: async () => (await import('./image-views.ts')).runHistory,
  },
]

const search: CommandLeaf = {
  name: 'search',
  summary: 'look for images in a registry',
  args: '<term>',
  usage: '[OPTIONS] [REGISTRY/]TERM',
  group,
  options: [FILTER, FORMAT, flag('--limit <number>', 'at most so many'), NO_TRUNC],
  load: async () => (await import('./search.ts')).runSearch,
}

/** Verbs on images, as they stand directly below `shoal`. */
export const imageVerbs: readonly CommandLeaf[] = [images, ...transfers, build, rmi, ...others, search]

/** `shoal builder …`. */
export const builderGroup: CommandGroup = {
  name: 'builder',
  summary: 'manage what builds keep for the next ones',
  group: 'Groups:',
  commands: [
    build,
    {
      name: 'prune',
      summary: 'remove what builds keep',
      options: [
        flag('-a, --all', 'all of it'),
        FORCE_YES,
        flags('--filter <key=value>', 'only what matches'),
        flag('--keep-storage <bytes>', 'keep so much'),
      ],
      load: async () => (await import('../system/prune.ts')).pruneKind('build cache'),
    },
  ],
}

/** `shoal image …`. */
export const imageGroup: CommandGroup = {
  name: 'image',
  summary: 'manage images',
  group: 'Groups:',
  commands: [
    { ...images, name: 'ls', aliases: ['list', 'images'] },
    ...transfers,
    build,
    { ...rmi, name: 'rm', aliases: ['remove'] },
    ...others,
    {
      name: 'inspect',
      summary: 'show all of images',
      args: '<image...>',
      options: [flag('-f, --format <format>', 'json or a template'), OTHER_PLATFORM],
      load: async () => (await import('../system/inspect.ts')).inspectKind('image'),
    },
    {
      name: 'prune',
      summary: 'remove images that nothing uses',
      options: [
        flag('-a, --all', 'also those with a name'),
        FORCE_YES,
        flags('--filter <key=value>', 'only those that match'),
      ],
      load: async () => (await import('../system/prune.ts')).pruneKind('image'),
    },
  ],
}
