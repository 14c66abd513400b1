/**
 * Which group session keys are agreed in: the hybrid one where both runtimes have it, X25519 where one has not. `ROGATORY_OTHER_NODE` names
 * another Node to try this one with.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { ApiClient } from '../../src/client/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import type { SentAnswer } from '../../src/api/mod.ts';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { clientTlsOptions } from '../../src/trust/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, until, type TestFederation } from '../kit/federation.ts';
import { runCommand } from '../kit/process.ts';
import { Puppet } from '../kit/puppet.ts';

const [XA, XB, XC] = ['XA', 'XB', 'XC'] as JurisdictionCode[] as [JurisdictionCode, JurisdictionCode, JurisdictionCode];
const other = process.env['ROGATORY_OTHER_NODE'];
if (other === undefined)
  process.stderr.write('skipped: key exchange with another Node, which ROGATORY_OTHER_NODE names\n');

// IANA: TLS Supported Groups.
const GROUPS: Readonly<Record<number, string>> = { 0x1d: 'X25519', 0x11ec: 'X25519MLKEM768' };

/** The group that a ServerHello names, or a HelloRetryRequest. @see RFC 8446 §4.1.3 and §4.2.8 */
function groupIn(bytes: Buffer): string {
  expect([bytes[0], bytes[5]]).toEqual([22, 2]);
  let at = 5 + 4 + 2 + 32;
  at += 1 + bytes[at]! + 2 + 1;
  const end = at + 2 + bytes.readUInt16BE(at);
  for (at += 2; at < end; at += 4 + bytes.readUInt16BE(at + 2)) {
    if (bytes.readUInt16BE(at) === 0x33) return GROUPS[bytes.readUInt16BE(at + 4)] ?? 'another';
  }
  throw new Error('no group is named');
}

/** Dials a node as another member would, and looks at what passes on the wire. */
async function negotiated(federation: TestFederation, to: JurisdictionCode): Promise<string> {
  const { port } = loadNodeConfig(nodePaths(federation.dirOf(to)).config, {}).listen!;
  let seen = Buffer.alloc(0);
  const proxy = createServer((near) => {
    const far = connectTcp(port, '127.0.0.1');
    far.on('data', (data: Buffer) => (seen = Buffer.concat([seen, data])));
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far).pipe(near);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const puppet = await Puppet.of(federation, XC);
  const own = clientTlsOptions(
    puppet.tlsKey,
    () => puppet.manifest.manifest,
    to,
    () => Date.now(),
  );
  const socket = connectTls({ ...own, host: '127.0.0.1', port: (proxy.address() as AddressInfo).port });
  await once(socket, 'secureConnect');
  expect(socket.getProtocol()).toBe('TLSv1.3');
  socket.destroy();
  proxy.close();
  return groupIn(seen);
}

function hasHybrid(node: string): boolean {
  const version = execFileSync(node, ['-p', 'process.versions.openssl'], { encoding: 'utf8' });
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 3 || (major === 3 && minor >= 5);
}

async function serve(federation: TestFederation, code: JurisdictionCode, node: string): Promise<ApiClient> {
  const dir = federation.dirOf(code);
  const { end } = runCommand([node, 'scripts/rogatory', 'serve', '--config', nodePaths(dir).config]);
  onTestFinished(end);
  const api = new ApiClient(dir);
  await until(
    () =>
      api.get('status').then(
        () => true,
        () => false,
      ),
    60_000,
  );
  return api;
}

test('T01: the hybrid group where both ends have it, X25519 where one has not; and messages pass either way', async () => {
  const federation = await copyTestFederation([XA, XB, XC]);
  const nodes = { [XA]: other ?? process.execPath, [XB]: process.execPath };
  const [a, b] = [await serve(federation, XA, nodes[XA]!), await serve(federation, XB, nodes[XB]!)];
  for (const code of [XA, XB]) {
    const isHybrid = hasHybrid(process.execPath) && hasHybrid(nodes[code]!);
    expect(await negotiated(federation, code)).toBe(isHybrid ? 'X25519MLKEM768' : 'X25519');
  }
  for (const [api, to] of [
    [a, XB],
    [b, XA],
  ] as const) {
    const { message } = await api.post<SentAnswer>('messages', { to, draft: requestFile(), wait_ms: 60_000 });
    expect(message.status).toBe('RECEIVED');
  }
}, 240_000);
