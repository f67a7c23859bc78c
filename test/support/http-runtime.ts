import {
  createContainer,
  hardenedHostConfig,
  labelsFor,
  startContainer,
} from '../../agent/containers/docker.ts'
import { requestHttp } from '../../agent/containers/http-request.ts'
import { resolveImage } from '../../agent/containers/images.ts'
import { ensureCellNetwork, networkName } from '../../agent/containers/networks.ts'
import { runtimeName } from '../../agent/containers/odoo.ts'
import { registry, type TestServices } from './odoo-services.ts'
import { waitFor } from './wait-for.ts'

// Worse mannered than Odoo: it keeps connections open, and on SIGTERM it is gone in the middle of a word. Header lines that
// a request asks for with `h` it sends as they are.
const server = `
import hashlib, base64, http.server, sys, time, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def version_string(self):
        return sys.argv[1]
    def answer(self, body):
        self.send_response(200)
        self.send_given()
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        half = len(body) // 2
        self.wfile.write(body[:half])
        self.wfile.flush()
        url = urllib.parse.urlparse(self.path)
        time.sleep(float(urllib.parse.parse_qs(url.query).get('s', ['0'])[0]))
        self.wfile.write(body[half:])
    def send_given(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        for line in query.get('h', []):
            self._headers_buffer.append(line.encode('latin-1') + b'\\r\\n')
        self.send_header('X-Told-Scheme', str(self.headers.get('X-Forwarded-Proto')))
    def do_GET(self):
        if self.headers.get('Upgrade') == 'websocket':
            return self.upgrade()
        self.answer(b'x' * 20000)
    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers['Content-Length'])))
    def upgrade(self):
        key = self.headers['Sec-WebSocket-Key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        self.send_response(101)
        self.send_given()
        self.send_header('Upgrade', 'websocket')
        self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept', base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.rfile.read()
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
Server(('0.0.0.0', 8069), Handler).serve_forever()
`

/** A runtime of a cell as the agent knows them, with a small HTTP server in Odoo's place. Its name is its Server header. */
export async function startHttpRuntime(
  services: TestServices,
  cell: { id: string; environmentId: string },
  runtimeId: string,
): Promise<void> {
  const { docker } = services
  const network = await ensureCellNetwork(docker, cell.id, cell.environmentId)
  const purpose = {
    role: 'odoo' as const,
    cell: cell.id,
    environment: cell.environmentId,
    runtime: runtimeId,
  }
  const container = await createContainer(docker, {
    name: runtimeName(runtimeId),
    Image: (await resolveImage(docker, `${registry}/fairway/odoo:19.0`)).reference,
    Entrypoint: ['python3', '-c', server, runtimeId],
    Cmd: [],
    User: '101:101',
    Labels: labelsFor(docker, purpose),
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: 256 * 1024 ** 2, maxProcesses: 512 }),
      NetworkMode: network,
    },
  })
  await startContainer(container)
  const { NetworkSettings } = await container.inspect()
  const url = `http://${NetworkSettings.Networks[networkName(cell.id)]?.IPAddress}:8069/`
  const signal = new AbortController().signal
  await waitFor(
    `the server of ${runtimeId}`,
    async () => {
      const answer = await requestHttp(url, { signal, timeoutMs: 1_000 }).catch(() => undefined)
      return answer?.status === 200
    },
    30_000,
  )
}
