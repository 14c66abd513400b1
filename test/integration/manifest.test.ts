/** The federation changes while its nodes run. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { enrolMember, installManifest, signDraft } from '../../src/node/mod.ts';
import { clientTlsOptions } from '../../src/trust/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Puppet } from '../kit/puppet.ts';

const [XA, XB, XH] = ['XA', 'XB', 'XH'] as JurisdictionCode[] as [JurisdictionCode, JurisdictionCode, JurisdictionCode];

test('a newer manifest spreads from one node to the others, each records it, and a new member takes part', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const other = await copyTestFederation([XH, 'XI']);
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  const connected = (): boolean => [a, b].every((node) => node.transport.connections().some(({ connected: is }) => is));
  await until(connected);

  const fresh = await copyFresh(other.dirOf(XH), federation.folder);
  await enrolMember(federation.council, readFileSync(nodePaths(fresh).enrolment, 'utf8'));
  const text = await signDraft(federation.council);
  expect((await a.exchange.takeManifest(text.replace('payload', 'payloaf'))).ok).toBe(false);
  expect((await a.exchange.takeManifest(text)).ok).toBe(true);
  a.transport.manifestChanged();
  await until(() => b.exchange.manifest.version === 2);
  await until(connected);
  for (const node of [a, b]) {
    expect(node.storage.ledger.size).toBe(2);
    expect(node.exchange.manifest.members.map(({ code }) => code)).toEqual([XA, XB, XH]);
    expect(await node.exchange.takeManifest(text)).toMatchObject({ ok: false, reason: 'MANIFEST_NOT_NEWER' });
    expect(await node.exchange.takeManifest(federation.manifest)).toMatchObject({
      ok: false,
      reason: 'MANIFEST_NOT_NEWER',
    });
  }

  await installManifest(fresh, text, a.exchange.manifestFingerprint);
  const h = await startNode(federation, XH);
  const sent = await b.exchange.send(requestDraft(), XH);
  expect((await b.exchange.answerOf(sent.message_id, 20_000)).status).toBe('RECEIVED');

  // A restart starts under the manifest that came over the wire, not under the older file in the folder.
  await b.stop();
  const again = await startNode(federation, XB);
  expect(again.exchange.manifest.version).toBe(2);
  expect(again.storage.ledger.size).toBe(b.storage.ledger.size);
  await h.stop();
});

test('no session is ever resumed, so that every handshake shows its certificate', async () => {
  const federation = await copyTestFederation([XA, XB]);
  await startNode(federation, XA);
  const puppet = await Puppet.of(federation, XB);
  const { port } = loadNodeConfig(nodePaths(federation.dirOf(XA)).config, {}).listen!;
  const own = clientTlsOptions(
    puppet.keys,
    () => puppet.manifest.manifest,
    XA,
    () => Date.now(),
  );
  const shake = async (
    session?: Buffer,
  ): Promise<{ readonly reused: boolean; readonly session: Buffer | undefined }> => {
    const socket = connect({ ...own, host: '127.0.0.1', port, session });
    let offered: Buffer | undefined;
    socket.on('session', (given) => (offered = given));
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    expect(socket.getProtocol()).toBe('TLSv1.3');
    const reused = socket.isSessionReused();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    return { reused, session: offered };
  };
  const first = await shake();
  expect((await shake(first.session)).reused).toBe(false);
});

/** A node’s folder, put beside those of another federation and without its own manifest. */
async function copyFresh(from: string, to: string): Promise<string> {
  const { rm, writeFile } = await import('node:fs/promises');
  const dir = join(to, 'xh');
  cpSync(from, dir, { recursive: true });
  await rm(nodePaths(dir).manifest);
  const config = JSON.parse(readFileSync(nodePaths(dir).config, 'utf8')) as Record<string, unknown>;
  delete config['manifest_fingerprint'];
  await writeFile(nodePaths(dir).config, JSON.stringify(config));
  return dir;
}
