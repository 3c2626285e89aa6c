import { describe, it } from 'vitest'
import { busyboxArchive, contextTar } from '../../support/busybox-image.ts'
import type { Script } from '../support/script.ts'
import { twoEngines } from '../support/two-engines.ts'

const image = await busyboxArchive({
  files: { 'srv/page': 'a page' },
  config: { Labels: { made: 'here' }, ExposedPorts: { '80/tcp': {} } },
})
const { agree } = twoEngines({ subnet: 226, images: [image] })

interface BuildMessage {
  readonly stream?: string
  readonly aux?: unknown
}

/** Builds, and notes what is shown as lines: how they are cut into messages is no matter. */
async function build(
  script: Script,
  title: string,
  files: Readonly<Record<string, string>>,
  query = '',
): Promise<void> {
  const { status, headers, body } = await script.http.call(
    'POST',
    `/v1.41/build?rm=1&${query}`,
    await contextTar(files),
  )
  const messages = body
    .toString()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as BuildMessage)
  // Where what is red is cut into pieces is chance.
  const text = messages
    .map(({ stream }) => stream ?? '')
    .join('')
    .replaceAll('\u001b[0m\u001b[91m', '')
  script.tell(title, {
    status,
    type: headers['content-type'],
    text: text.split('\n'),
    others: messages.filter(({ stream, aux }) => stream === undefined && aux === undefined),
    id: messages.filter(({ aux }) => aux !== undefined).at(-1) ?? null,
  })
}

const STEPS = [
  'ARG T=test',
  'FROM busybox:$T AS one',
  'ARG A=1',
  'ENV B=${A}2',
  'RUN echo hi > /hi && echo out',
  'RUN echo err >&2',
  'COPY note /srv/',
  'FROM one',
  'WORKDIR /w',
  'USER web',
  'VOLUME /v',
  'EXPOSE 80/udp',
  'STOPSIGNAL SIGINT',
  'HEALTHCHECK --interval=3s CMD true',
  'ONBUILD RUN true',
  'ENTRYPOINT ["cat"]',
  'CMD /hi',
  'LABEL a=b c="d e"',
]

describe('a build', () => {
  it('says the same, and makes the same', () =>
    agree(async script => {
      const files = { Dockerfile: STEPS.join('\n'), note: 'noted' }
      const named = `t=b:1&labels=${encodeURIComponent('{"x":"y"}')}`
      await build(script, 'build', files, named)
      await build(script, 'build again', files, named)
      await build(script, 'build with arguments', files, `buildargs=${encodeURIComponent('{"A":"7","Z":"9"}')}`)
      await build(script, 'build a target quietly', files, 'q=1&target=one')
      await build(script, 'build a target that is not there', files, 'target=nosuch')
      await script.ask('GET', '/images/b:1/json', { title: 'inspect what was built' })
      await script.ask('GET', '/images/b:1/history', { title: 'history of what was built' })
      await script.quietly('DELETE', '/images/b:1')
      await script.quietly('POST', '/images/prune')
      await script.quietly('POST', '/build/prune')
      await script.ask('GET', '/images/json?all=1', { title: 'what builds leave' })
    }))

  it.each([
    ['RUN exit 4'],
    ['RUN'],
    ['COPY nosuch /'],
    ['COPY a'],
    ['ADD --chmod=x a /'],
    ['NOSUCH a'],
    ['ENV x'],
    ['ENV'],
    ['COPY --from=nosuch'],
    ['COPY --nosuch=1 a /'],
    ['EXPOSE a'],
    ['EXPOSE'],
    ['HEALTHCHECK --interval=x CMD true'],
    ['HEALTHCHECK NOSUCH'],
    ['ONBUILD FROM a'],
    ['ONBUILD ONBUILD RUN a'],
    ['VOLUME []'],
    ['SHELL sh'],
    ['STOPSIGNAL NOPE'],
    ['LABEL'],
    ['ARG'],
    ['USER'],
    ['CMD ["a", b]'],
    ['WORKDIR'],
    ['MAINTAINER'],
  ])('fails the same at %s', line =>
    agree(script => build(script, `build ${line}`, { Dockerfile: `FROM busybox:test\n${line}\n` })),
  )

  it('refuses the same', () =>
    agree(async script => {
      const Dockerfile = 'FROM busybox:test\n'
      await build(script, 'build without FROM', { Dockerfile: 'RUN a\n' })
      await build(script, 'build of nothing', { Dockerfile: '' })
      await build(script, 'build without a Dockerfile', { other: '' })
      await build(script, 'build with a bad tag', { Dockerfile }, 't=UPPER')
      await build(script, 'build of a file outside', { Dockerfile }, 'dockerfile=../x')
      await build(script, 'build from scratch', { Dockerfile: 'FROM scratch\nLABEL a=b\n' })
      await build(script, 'build from scratch alone', { Dockerfile: 'FROM scratch\n' })
      await build(script, 'build from an argument that is not given', { Dockerfile: 'ARG X\nFROM $X\n' })
    }))
})
