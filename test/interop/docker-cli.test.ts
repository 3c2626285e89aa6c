import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { busyboxArchive } from '../support/busybox-image.ts'
import { dockerPrograms } from './support/docker-programs.ts'
import { twoEngines } from './support/two-engines.ts'

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { agree, directory } = twoEngines({ subnet: 220, images: [image] })
const READY = 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done'

describe.each(dockerPrograms())('$title', ({ program, skip }) => {
  const test = it.skipIf(skip)
  /** Runs a line in a shell of a fresh container. */
  const shell = (line: string, ...flags: readonly string[]): readonly string[] => {
    return [program, 'run', '--rm', ...flags, 'busybox:test', 'sh', '-c', line]
  }

  test('runs containers', () =>
    agree(async script => {
      await script.run([program, 'run', '--rm', 'busybox:test', 'echo', 'hi'])
      await script.run([program, 'run', '--rm', 'busybox:test', 'sh', '-c', 'echo no >&2; exit 7'])
      await script.run([program, 'run', '--rm', '-i', 'busybox:test', 'cat'], { input: 'through' })
      await script.run([program, 'run', '--rm', 'busybox:test', 'nosuch'])
      await script.run([program, 'run', '--rm', 'busybox:test', '/etc/passwd'])
      await script.run([program, 'run', '--rm', '--network', 'none', 'busybox:test', 'ip', '-o', 'addr'])
      await script.run([program, 'run', '--rm', '-e', 'A=b', '-u', 'web', '-w', '/srv', 'busybox:test', 'env'], {
        sorted: true,
      })
      await script.run(shell('id; pwd; umask', '-u', 'web', '-w', '/srv'))
      await script.run([
        program,
        'run',
        '--rm',
        'busybox:test',
        'grep',
        '-E',
        '^(Cap|Seccomp|NoNewPrivs)',
        '/proc/self/status',
      ])
      await script.run(shell('stat -c "%A %t,%T %N" /dev/*; ulimit -n; cat /proc/1/oom_score_adj'))
      await script.run(shell('hostname; cat /etc/hosts', '--hostname', 'h'))
      await script.run([program, 'run', '--rm', '--init', 'busybox:test', 'sh', '-c', 'ps -o comm'])
      await script.run(shell('touch /a; touch /t/a && echo ok', '--read-only', '--tmpfs', '/t'))
      await script.run(
        shell(
          'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max',
          '-m',
          '32m',
          '--pids-limit',
          '20',
        ),
      )
      await script.run([program, 'ps', '-a'])
    }))

  test('talks over a terminal', () =>
    agree(async script => {
      const talk = 'sleep 0.3; stty size; tty; echo $TERM; read line; echo "heard $line"; exit 3'
      await script.run([program, 'run', '-it', '--rm', 'busybox:test', 'sh', '-c', talk], {
        dialogue: [{ after: 'xterm', type: 'words\r' }],
      })
      const wait = 'echo ready; read line; echo "heard $line"; exit 4'
      await script.run([program, 'run', '-it', '--name', 'term', 'busybox:test', 'sh', '-c', wait], {
        dialogue: [{ after: 'ready', type: '\u0010\u0011' }],
      })
      await script.run([program, 'inspect', '-f', '{{.State.Status}}', 'term'])
      await script.run([program, 'attach', 'term'], { dialogue: [{ after: '', type: 'words\r' }], onlyCode: true })
      await script.run([program, 'inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'term'], {
        title: 'how it ended',
      })
    }))

  test('keeps containers in the background', () =>
    agree(async script => {
      await script.run([program, 'run', '-d', '--name', 'web', '-p', '18080:80', 'busybox:test', 'sh', '-c', READY])
      await script.run([program, 'logs', '-f', 'web'], { until: 'ready\n' })
      await script.run([program, 'ps'])
      await script.run([
        program,
        'ps',
        '--format',
        '{{.Names}} {{.Image}} {{.Status}} {{.Ports}} {{.Command}} {{.Networks}}',
      ])
      await script.run([program, 'port', 'web'])
      await script.run([program, 'logs', '-t', '--tail', '1', 'web'])
      await script.run([program, 'exec', 'web', 'sh', '-c', 'echo in; exit 4'])
      await script.run([program, 'exec', '-i', 'web', 'cat'], { input: 'piped' })
      await script.run([
        program,
        'exec',
        '-e',
        'X=1',
        '-w',
        '/srv',
        '-u',
        '33',
        'web',
        'sh',
        '-c',
        'echo $X; pwd; id -u',
      ])
      await script.run([program, 'exec', 'web', 'nosuch'])
      await script.run([program, 'exec', '-it', 'web', 'sh', '-c', 'sleep 0.3; stty size; exit 5'], { dialogue: [] })
      await script.run([program, 'exec', '-d', 'web', 'touch', '/made'])
      await script.run([program, 'exec', 'web', 'sh', '-c', 'until test -e /made; do sleep 0.1; done'])
      await script.run([program, 'top', 'web', '-o', 'pid,comm'], { onlyCode: true })
      await script.run([program, 'diff', 'web'])
      await script.run([program, 'rename', 'web', 'web2'])
      await script.run([program, 'update', '--memory', '64m', '--memory-swap', '64m', '--restart', 'always', 'web2'])
      await script.run([program, 'inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}', 'web2'])
      await script.run([program, 'stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}} {{.MemPerc}}', 'nosuch'])
      await script.run([program, 'stats', '--no-stream', '--format', '{{.Name}}', 'web2'])
      await script.run([program, 'pause', 'web2'])
      await script.run([program, 'exec', 'web2', 'true'])
      await script.run([program, 'unpause', 'web2'])
      await script.run([program, 'rm', 'web2'])
      await script.run([program, 'restart', '-t', '1', 'web2'])
      await script.run([program, 'stop', '-t', '2', 'web2'])
      await script.run([program, 'start', 'web2'])
      await script.run([program, 'kill', '-s', 'KILL', 'web2'])
      await script.run([program, 'wait', 'web2'])
      await script.run([program, 'ps', '-a', '--filter', 'status=exited', '--format', '{{.Names}}: {{.Status}}'])
      await script.run([program, 'rm', '-v', 'web2'])
      await script.run([program, 'rm', '-v', 'web2'], { title: 'rm of what is gone' })
    }))

  test('copies files in and out', () =>
    agree(async script => {
      const files = join(directory(), `cp-${script.engine.name}`)
      script.rename(files, '<files>')
      mkdirSync(join(files, 'tree/sub'), { recursive: true })
      writeFileSync(join(files, 'tree/sub/file'), 'deep\n')
      writeFileSync(join(files, 'one'), 'one\n')
      await script.run([program, 'create', '--name', 'box', 'busybox:test', 'sleep', '100'])
      for (const words of [
        ['one', 'box:/srv'],
        ['one', 'box:/srv/renamed'],
        ['one', 'box:/nosuch/'],
        ['nosuch', 'box:/'],
        ['tree', 'box:/tree'],
        ['tree/.', 'box:/srv'],
        ['box:/srv/renamed', 'back'],
        ['box:/nosuch', 'back'],
        ['box:/tree', 'backtree'],
      ]) {
        await script.run([program, 'cp', ...words], { cwd: files })
      }
      await script.run([program, 'cp', 'box:/srv/page', '-'], { cwd: files, title: 'cp to a pipe', onlyCode: true })
      await script.run(['find', 'back', 'backtree', '-printf', '%P %m %s\n'], { cwd: files, sorted: true })
      await script.run([program, 'start', 'box'])
      await script.run([program, 'cp', 'one', 'box:/tmp/running'], { cwd: files })
      await script.run([program, 'exec', 'box', 'find', '/srv', '/tmp', '/tree'], { sorted: true })
      await script.run([program, 'diff', 'box'], { sorted: true })
    }))

  test('builds, commits, saves, loads and prunes images', () =>
    agree(async script => {
      const context = join(directory(), `build-${script.engine.name}`)
      mkdirSync(context, { recursive: true })
      const lines = [
        'FROM busybox:test AS base',
        'ARG WHO=nobody',
        'RUN echo "hello $WHO" > /greeting',
        'FROM base',
        'ENV A=b',
        'COPY extra /srv/',
        'WORKDIR /srv',
        'LABEL l=m',
        'EXPOSE 80',
        'USER web',
        'CMD ["cat", "/greeting"]',
        '',
      ]
      writeFileSync(join(context, 'Dockerfile'), lines.join('\n'))
      writeFileSync(join(context, 'extra'), 'extra\n')
      await script.run([program, 'build', '-t', 'greeter:1', '--build-arg', 'WHO=world', '.'], { cwd: context })
      await script.run([program, 'build', '-t', 'greeter:1', '--build-arg', 'WHO=world', '.'], {
        cwd: context,
        title: 'build again',
      })
      await script.run([program, 'build', '-q', '-t', 'greeter:2', '--target', 'base', '.'], { cwd: context })
      await script.run([program, 'images', '-a', '--format', '{{.Repository}}:{{.Tag}}'], {
        title: 'images of steps',
        sorted: true,
      })
      await script.run([program, 'run', '--rm', 'greeter:1'])
      await script.run([program, 'inspect', '-f', '{{json .Config}}', 'greeter:1'])
      await script.run([
        program,
        'history',
        '--format',
        '{{.CreatedBy}}|{{.Size}}|{{.Comment}}',
        '--no-trunc',
        'greeter:1',
      ])
      await script.run([program, 'run', '--name', 'base', 'busybox:test', 'sh', '-c', 'echo new > /srv/new'])
      await script.run([
        program,
        'commit',
        '-m',
        'why',
        '-a',
        'me',
        '-c',
        'ENV C=d',
        '-c',
        'CMD ["cat","/srv/new"]',
        'base',
        'kept:1',
      ])
      await script.run([program, 'run', '--rm', 'kept:1'])
      await script.run([
        program,
        'inspect',
        '-f',
        '{{.Author}} {{.Comment}} {{json .Config.Env}} {{json .Config.Cmd}}',
        'kept:1',
      ])
      const exported = join(context, 'exported.tar')
      await script.run([program, 'export', '-o', exported, 'base'], { title: 'export' })
      await script.run([program, 'import', '-c', 'CMD ["cat","/srv/new"]', exported, 'flat:1'], { title: 'import' })
      await script.run([program, 'run', '--rm', 'flat:1'])
      await script.run([program, 'rmi', 'flat:1'])
      await script.run([program, 'tag', 'kept:1', 'team/kept:2'])
      await script.run([program, 'save', '-o', join(context, 'saved.tar'), 'team/kept:2'], { title: 'save' })
      await script.run([program, 'rmi', 'kept:1', 'team/kept:2'])
      await script.run([program, 'load', '-q', '-i', join(context, 'saved.tar')], { title: 'load' })
      await script.run([program, 'run', '--rm', 'team/kept:2'])
      await script.run([program, 'images', '--format', '{{.Repository}}:{{.Tag}}'], { sorted: true })
      await script.run([program, 'rm', 'base'])
      await script.run([program, 'export', 'nosuch'])
      await script.run([program, 'image', 'prune', '-f'])
      await script.run([program, 'rmi', 'greeter:1', 'greeter:2', 'team/kept:2'], { sorted: true })
      await script.run([program, 'rmi', 'nosuch:1'])
      await script.run([program, 'build', '-'], { input: 'FROM busybox:test\nRUN exit 3\n', title: 'build that fails' })
      await script.run([program, 'build', '-'], { input: 'FORM busybox:test\n', title: 'build with a typing error' })
      await script.run([program, 'images', '--format', '{{.Repository}}:{{.Tag}}'], {
        title: 'after a failure',
        sorted: true,
      })
      await script.run([program, 'builder', 'prune', '-f'])
      await script.run([program, 'image', 'prune', '-a', '-f', '--filter', 'label=nosuch'])
    }))

  test('manages networks and volumes', () =>
    agree(async script => {
      await script.run([program, 'network', 'create', '--subnet', '10.99.0.0/24', '--label', 'a=b', 'inner'])
      await script.run([program, 'network', 'create', 'inner'])
      await script.run([program, 'network', 'inspect', 'inner'])
      await script.run([
        program,
        'run',
        '-d',
        '--name',
        'server',
        '--network',
        'inner',
        '--ip',
        '10.99.0.9',
        '--network-alias',
        'srv',
        'busybox:test',
        'httpd',
        '-f',
        '-h',
        '/srv',
      ])
      await script.run(
        shell(
          'until wget -qO- http://srv/page; do sleep 0.1; done; nslookup server | grep -c 10.99.0.9',
          '--network',
          'inner',
        ),
      )
      await script.run([program, 'network', 'connect', '--alias', 'again', 'bridge', 'server'])
      await script.run([program, 'network', 'create', 'other'])
      await script.run([program, 'network', 'connect', '--alias', 'again', 'other', 'server'])
      await script.run([
        program,
        'run',
        '--rm',
        '--network',
        'other',
        'busybox:test',
        'wget',
        '-qO-',
        'http://again/page',
      ])
      await script.run([program, 'network', 'disconnect', 'other', 'server'])
      await script.run([program, 'network', 'disconnect', 'other', 'server'], { title: 'disconnect again' })
      await script.run([program, 'network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}'])
      await script.run([program, 'network', 'rm', 'inner'])
      await script.run([program, 'rm', '-f', 'server'])
      await script.run([program, 'network', 'prune', '-f'], { sorted: true })
      await script.run([program, 'volume', 'create', '--label', 'a=b', 'data'])
      await script.run(shell('echo kept > /data/file', '-v', 'data:/data'))
      await script.run(shell('cat /data/file; touch /data/no', '-v', 'data:/data:ro'))
      await script.run([program, 'run', '--rm', '-v', 'fresh:/srv', 'busybox:test', 'cat', '/srv/page'])
      await script.run([program, 'volume', 'ls'])
      await script.run([program, 'volume', 'inspect', 'data'])
      await script.run([program, 'create', '--name', 'holder', '-v', 'data:/d', 'busybox:test'])
      await script.run([program, 'volume', 'rm', 'data'])
      await script.run([program, 'rm', 'holder'])
      await script.run([program, 'volume', 'rm', 'data', 'nosuch'])
      await script.run([program, 'volume', 'prune', '-f', '--filter', 'label!=keep'], { sorted: true })
    }))

  test('watches and tidies the system', () =>
    agree(async script => {
      const since = String(Math.floor(Date.now() / 1_000))
      await script.run([program, 'run', '--name', 'watched', '--label', 'w=1', 'busybox:test', 'true'])
      await script.run([
        program,
        'run',
        '-d',
        '--name',
        'ill',
        '--health-cmd',
        'false',
        '--health-interval',
        '100ms',
        '--health-retries',
        '1',
        'busybox:test',
        'sleep',
        '100',
      ])
      await script.run([program, 'events', '--since', since, '--filter', 'event=health_status'], {
        until: 'name=ill)\n',
        title: 'events until unhealthy',
      })
      await script.run([program, 'rm', '-f', 'ill'])
      await script.run([program, 'volume', 'create', 'loose'])
      await script.run([program, 'network', 'create', 'loose'])
      await script.run([program, 'system', 'df'])
      await script.run([program, 'system', 'df', '-v', '--format', '{{json .Volumes}}'])
      await script.run([program, 'system', 'prune', '-f'])
      await script.run([program, 'system', 'prune', '-f', '--volumes', '--filter', 'label=nosuch'])
      const until = String(Math.ceil(Date.now() / 1_000))
      await script.run([program, 'events', '--since', since, '--until', until, '--filter', 'container=watched'], {
        title: 'events',
      })
      for (const kind of ['network', 'volume']) {
        const filters = ['--filter', `type=${kind}`, '--filter', `${kind}=loose`]
        await script.run([program, 'events', '--since', since, '--until', until, ...filters], {
          title: `events of a ${kind}`,
        })
      }
      await script.run([program, 'version', '--format', '{{.Server.Os}}/{{.Server.Arch}}'])
    }))
})
