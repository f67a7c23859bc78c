import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import type Docker from 'dockerode'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildBridge, closeBuildNetwork, removeBuildNetwork } from '../../agent/containers/build-network.ts'
import { openDoor } from '../../agent/containers/firewall.ts'
import { networkSettings, runThrowaway } from '../../agent/containers/throwaway.ts'
import { parseAllowEntry } from '../../agent/egress/allow-list.ts'
import type { PackageAccess, PackageRequest } from '../../agent/packages/package-sources.ts'
import { run } from '../../agent/process.ts'
import { addon, createImageProject, type ImageProject } from '../support/image-project.ts'
import { registry } from '../support/odoo-services.ts'
import { pushTestImage } from '../support/push-test-image.ts'
import { type PythonIndex, startPythonIndex } from '../support/python-index.ts'
import { createTask, type RecordedTask } from '../support/task-context.ts'

// Foreign code while packages are resolved and fetched: setup.py of a source package, and the image's own python3.

const login = { username: 'reader', password: 'index-password-canary' }
const image = `${registry}/fairway/odoo:19.0`

let project: ImageProject
let index: PythonIndex
/** Listens on all of this host's addresses, and notices who comes. */
let service: TcpServer
/** On loopback alone. */
let local: Server
let neighbour: Docker.Container
const visitors: string[] = []

beforeAll(async () => {
  service = createTcpServer((socket) => {
    visitors.push(`${socket.localAddress}`)
    socket.on('error', () => undefined).end('hello\n')
  }).listen(0, '0.0.0.0')
  local = createServer((_request, response) => {
    visitors.push('loopback')
    response.end('hello\n')
  }).listen(0, '127.0.0.1')
  await Promise.all([once(service, 'listening'), once(local, 'listening')])
  index = await startPythonIndex(login)
  const credentials = {
    [`python:${index.host}/USERNAME`]: login.username,
    [`python:${index.host}/PASSWORD`]: login.password,
  }
  project = await createImageProject({ credentials, networkAllow: [index.host], baseImages: ['*'] })
  neighbour = await serveIn({ NetworkMode: 'bridge', PortBindings: { '8000/tcp': [{ HostPort: '0' }] } })
}, 120_000)

beforeEach(() => {
  visitors.length = 0
})

afterAll(async () => {
  await neighbour?.remove({ force: true })
  await index?.[Symbol.asyncDispose]()
  await project?.[Symbol.asyncDispose]()
  service?.close()
  local?.close()
}, 60_000)

const portOf = (server: Server | TcpServer) => (server.address() as AddressInfo).port

/** A container that serves port 8000 to whoever reaches it. */
async function serveIn(hostConfig: Docker.HostConfig): Promise<Docker.Container> {
  const container = await project.services.docker.docker.createContainer({
    Image: image,
    Entrypoint: ['python3', '-m', 'http.server', '8000'],
    ExposedPorts: { '8000/tcp': {} },
    HostConfig: { Init: true, ...hostConfig },
  })
  await container.start()
  return container
}

async function addressOf(container: Docker.Container): Promise<string> {
  const { NetworkSettings } = await container.inspect()
  return Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? ''
}

/** Tries each address at once, straight and by the proxy of the environment; answers what came of it. */
const probe = String.raw`
import base64, concurrent.futures, json, os, socket, sys, urllib.request
def direct(host, port):
    with socket.create_connection((host, port), 4) as connection:
        return 'reached'
def proxied(host, port):
    return urllib.request.urlopen('http://%s:%d/' % (host, port), timeout=8).read(100).decode()
def tunnel(host, port):
    return urllib.request.urlopen('https://%s:%d/' % (host, port), timeout=8).read(100).decode()
def name(host, port):
    return socket.getaddrinfo(host, port)[0][4][0]
def query(host, port):
    question = bytes.fromhex('123401000001000000000000') + b'\x06debian\x03org\x00' + bytes.fromhex('00010001')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(4)
        connection.sendto(question, (host, port))
        answer = connection.recv(512)
        return 'answer with %d addresses' % int.from_bytes(answer[6:8], 'big')
def connect(where, port):
    login, _, host = where.rpartition('@')
    with socket.create_connection((host, port), 4) as connection:
        header = 'Proxy-Authorization: Basic ' + base64.b64encode(login.encode()).decode() + '\r\n' if login else ''
        connection.sendall(f"CONNECT {os.environ['TARGET']} HTTP/1.1\r\n{header}\r\n".encode())
        return connection.recv(1000).decode().split()[1]
def page(url, port):
    try:
        return str(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=4).status)
    except urllib.error.HTTPError as error:
        return str(error.code)
def attempt(how, host, port):
    try:
        return globals()[how](host, port)
    except Exception as error:
        return 'no: ' + str(error)
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    found = list(pool.map(lambda each: attempt(*each), json.loads(os.environ.get('ATTEMPTS') or ATTEMPTS)))
# One a line: long lines are cut.
told = '\n'.join('FOUND ' + json.dumps(each) for each in found)
`
type Attempt = ['direct' | 'proxied' | 'tunnel' | 'name' | 'query' | 'connect' | 'page', string, number]

/** Runs the probe as a step's container is run. */
async function tryFrom(
  access: Pick<PackageAccess, 'network' | 'environment'>,
  attempts: Attempt[],
): Promise<string[]> {
  const end = await runThrowaway(project.services.docker, createTask().context, {
    image,
    command: ['python3', '-c', `${probe}\nprint(json.dumps(found))`],
    input: '',
    network: access,
    environment: { ATTEMPTS: JSON.stringify(attempts), TARGET: index.host },
    timeoutMs: 60_000,
    onLine: () => {},
  })
  return JSON.parse(end.lines.join('')) as string[]
}

const use = <T>(step: (access: PackageAccess) => Promise<T>, request: Partial<PackageRequest> = {}) =>
  project.services.packages.use(createTask().context, { allow: [], ...request }, step)

const hostOf = (access: PackageAccess) => new URL(access.environment.http_proxy ?? '')

/** This host's own, of every kind that it has here. */
const ownAddresses = () =>
  Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => address)
    // Other tests' bridges come and go.
    .slice(0, 3)

/** To whatever is not public on and around this host. */
async function everyWay(): Promise<Attempt[]> {
  const [published] = (await neighbour.inspect()).NetworkSettings.Ports['8000/tcp'] ?? []
  const container = await addressOf(neighbour)
  const targets: [string, number][] = [
    ...ownAddresses().flatMap((address): [string, number][] => [
      [address, portOf(service)],
      [address, Number(published?.HostPort)],
    ]),
    ['127.0.0.1', portOf(local)],
    ['localhost', portOf(local)],
    [container, 8000],
    ['169.254.169.254', 80],
    ['10.0.0.1', 80],
    ['192.168.0.1', 80],
    ['no-such-name.invalid', 80],
  ]
  return targets.flatMap(([host, port]): Attempt[] => [
    ['direct', host, port],
    ['proxied', host, port],
    ['tunnel', host, port],
  ])
}

/** Docker's builder tells several lines at once. */
function foundIn(task: RecordedTask): string[] {
  const said = task.lines.map(({ text }) => text).join('\n')
  return [...said.matchAll(/FOUND (".*")$/gm)].map(([, found = '']) => JSON.parse(found) as string)
}

test('on the network that Docker gives everybody the attempts succeed', async () => {
  const { docker } = project.services.docker
  const { IPAM } = await docker.getNetwork('bridge').inspect()
  const [subnet = ''] = IPAM?.Config?.map(({ Subnet }) => Subnet) ?? []
  const gateway = subnet.replace(/\.\d+\/\d+$/, '.1')
  const found = await tryFrom({ network: 'bridge', environment: {} }, [
    ['direct', gateway, portOf(service)],
    ['direct', await addressOf(neighbour), 8000],
  ])
  expect(found).toEqual(['reached', 'reached'])
}, 60_000)

test('reaches neither host nor containers nor link, straight or by the gateway, and the log says what', async () => {
  const task = project.newTask()
  const attempts = await everyWay()
  const setup = `ATTEMPTS = ${JSON.stringify(JSON.stringify(attempts))}\n${probe}
sys.exit(told)
`
  await index.addSource('fwprobe', '1.0', setup)
  const files = {
    'fairway.yaml': `python: { index: "${index.url}" }\n`,
    'requirements.txt': 'fwprobe\n',
    ...addon('shop'),
  }
  // What the probe says is not told from what pip says.
  await expect(project.resolve(files, {}, task)).rejects.toThrow(
    /does not answer \(Connection refused\)|pip failed/,
  )
  // The allow-listed index was reached: the package came from there.
  expect(index.requests.some((path) => path.startsWith('reader@/files/fwprobe-1.0'))).toBe(true)
  const said = task.lines.map(({ text }) => text)
  const found = foundIn(task)
  expect(found.length).toBe(attempts.length)
  expect(found.filter((each) => !each.startsWith('no: '))).toEqual([])
  expect(visitors).toEqual([])
  expect(said).toContainEqual(
    expect.stringMatching(
      /the build was refused 169\.254\.169\.254:80: an address of the link or of cloud metadata\. To allow it, .*network\.allow/,
    ),
  )
  expect(said.filter((line) => line.includes('refused 10.0.0.1:80'))).toHaveLength(1)
  expect(said.join('\n')).toContain('the build was refused no-such-name.invalid:80: it is not public')
}, 120_000)

test('a hook of apt reaches nothing either, while versions are looked up and while packages are installed', async () => {
  const attempts: Attempt[] = [...(await everyWay()), ['name', 'deb.debian.org', 80]]
  const script = `ATTEMPTS = ${JSON.stringify(JSON.stringify(attempts))}\n${probe}
print(told, file=sys.stderr)
`
  const base = await pushTestImage(
    project.services.docker,
    `${project.imageRepository}-hook:19.0`,
    [`FROM ${image}`, 'COPY probe.py /opt/probe.py', 'COPY hook.conf /etc/apt/apt.conf.d/99hook'],
    {
      'probe.py': script,
      'hook.conf': 'APT::Update::Pre-Invoke { "/usr/bin/python3 /opt/probe.py"; };\n',
    },
  )
  const task = project.newTask()
  const files = { 'fairway.yaml': `base_image: ${base.reference}\napt: [hello]\n`, ...addon('shop') }
  const resolved = await project.resolve(files, {}, task)
  const built = await project.build(resolved, task)
  expect(await project.run(built.reference, 'hello')).toContain('Hello, world!')
  const found = foundIn(task)
  expect(found.length).toBeGreaterThanOrEqual(2 * attempts.length)
  expect(found.filter((each) => !each.startsWith('no: '))).toEqual([])
  expect(visitors).toEqual([])
}, 480_000)

test('reaches the gateway of its own step, and at the bridge nothing else; names only by it', async () => {
  await use(async (access) => {
    const { hostname, port } = hostOf(access)
    const other = await serveIn(networkSettings(access))
    try {
      const [gateway, host, sideways, published, ...names] = await tryFrom(access, [
        ['direct', hostname, Number(port)],
        ['direct', hostname, portOf(service)],
        ['direct', await addressOf(other), 8000],
        [
          'direct',
          hostname,
          Number((await neighbour.inspect()).NetworkSettings.Ports['8000/tcp']?.[0]?.HostPort),
        ],
        ['name', 'deb.debian.org', 80],
        ['query', '127.0.0.11', 53],
        ['query', hostname, 53],
        ...ownAddresses().map((address): Attempt => ['query', address, 53]),
      ])
      expect(gateway).toBe('reached')
      for (const one of [host, sideways, published]) expect(one).toMatch(/^no: /)
      for (const one of names) expect(one).toMatch(/^no: |with 0 addresses/)
      expect(visitors).toEqual([])
    } finally {
      await other.remove({ force: true })
    }
  })
}, 120_000)

test('the gateway serves one step: not others, not other networks, not afterwards', async () => {
  const login = ({ username, password }: URL) => `${username}:${password}`
  const connect = ({ hostname, port }: URL, as = ''): Attempt => [
    'connect',
    `${as}@${hostname}`,
    Number(port),
  ]
  const page = (indexUrl = ''): Attempt => ['page', `${indexUrl}/fw-open/`, 0]
  const bridge = buildBridge(project.services.agentId)
  const rules = async () =>
    (await run('iptables', ['--list-rules', 'INPUT'])).stdout
      .split('\n')
      .filter((line) => line.includes(bridge))

  index.addWheel('fw-open', '1.0')
  const former = await use(
    (first) =>
      use(async (second) => {
        const [one, two] = [hostOf(first), hostOf(second)]
        expect(one.host).not.toBe(two.host)
        // Nor is one step's way to an index another's.
        const other = new URL(first.indexUrl ?? '')
        other.port = new URL(second.indexUrl ?? '').port
        const attempts = [connect(one, login(one)), connect(one), connect(one, login(two))]
        const pages = [page(first.indexUrl), page(other.href)]
        expect(await tryFrom(first, [...attempts, ...pages])).toEqual(['200', '407', '407', '200', '404'])
        expect((await rules()).filter((rule) => rule.includes('ACCEPT'))).toHaveLength(4)
        return first
      }, anIndex()),
    anIndex(),
  )
  const gone = hostOf(former)
  for (const each of await tryFrom(former, [connect(gone, login(gone)), page(former.indexUrl)]))
    expect(each).toMatch(/^no: /)
  expect((await rules()).map((rule) => rule.split(' ').at(-1))).toEqual(['DROP'])
  // Of an agent that was killed while it was open.
  await openDoor({ bridge, address: gone.hostname, port: Number(gone.port) })
  await closeBuildNetwork(project.services.docker)
  expect((await rules()).map((rule) => rule.split(' ').at(-1))).toEqual(['DROP'])
  await removeBuildNetwork(project.services.docker)
  expect(await rules()).toEqual([])
  expect((await run('iptables', ['--table', 'mangle', '--list-rules'])).stdout).not.toContain(bridge)
  expect((await run('ip6tables', ['--list-rules'])).stdout).not.toContain(bridge)
}, 120_000)

const anIndex = () => ({ allow: [parseAllowEntry(index.host)], index: { url: index.url, login } })

test('an image whose python3 tells all that it gets sees no credential', async () => {
  const fake = `#!/bin/bash
if [[ $1 != -I ]]; then exec /usr/bin/python3 "$@"; fi
input=$(cat)
{ echo "ENVIRONMENT"; env; echo "ARGUMENTS $*"; echo "INPUT $input"; cat /tmp/netrc ~/.netrc 2>/dev/null; } >&2
printf '%s' "$input" | /usr/bin/python3 "$@"
`
  const base = await pushTestImage(
    project.services.docker,
    `${project.imageRepository}-fake:19.0`,
    [
      `FROM ${image}`,
      'USER root',
      'COPY python3 /usr/local/bin/python3',
      'RUN chmod 755 /usr/local/bin/python3',
      'USER odoo',
    ],
    { python3: fake },
  )
  index.addWheel('fw-alpha', '1.0')
  await index.addSource('fwsource', '1.0')
  const task = project.newTask()
  const files = {
    'fairway.yaml': `base_image: ${base.reference}\npython: { index: "${index.url}" }\n`,
    'requirements.txt': 'fw-alpha\nfwsource\n',
    ...addon('shop'),
  }
  const resolved = await project.resolve(files, {}, task)
  expect(resolved.python.map(({ name }) => name)).toEqual(['fw-alpha', 'fwsource'])
  const built = await project.build(resolved, task)
  const said = JSON.stringify([task.lines, [...task.artifacts], task.warnings])
  expect(said).toContain('ENVIRONMENT')
  expect(said).toContain('INPUT {')
  const forms = [login.password, Buffer.from(`reader:${login.password}`).toString('base64')]
  for (const form of forms) expect(said).not.toContain(form)
  const importing = 'import fw_alpha, fwsource; print(fw_alpha.version, fwsource.version)'
  expect(await project.run(built.reference, 'python3', '-c', importing)).toBe('1.0 1.0')
}, 180_000)
