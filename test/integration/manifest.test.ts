/** The federation changes while its nodes run. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { amendDraft, enrolMember, installManifest, signDraft } from '../../src/node/mod.ts';
import { parseLedgerEntry } from '../../src/wire/mod.ts';
import { clientTlsOptions } from '../../src/trust/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { runCommand } from '../kit/command.ts';
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
  expect((await b.exchange.answerOf(sent.message_id, 60_000)).status).toBe('RECEIVED');

  // A restart starts under the manifest that came over the wire, not under the older file in the folder.
  await b.stop();
  const again = await startNode(federation, XB);
  expect(again.exchange.manifest.version).toBe(2);
  expect(again.storage.ledger.size).toBe(b.storage.ledger.size);
  await h.stop();
});

test('a node that missed versions takes them one after another, and one that is handed a later one waits for the rest', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const a = await startNode(federation, XA);
  let latest = '';
  for (const days of [100, 200, 300]) {
    await amendDraft(federation.council, (draft, nowMs) => ({ ...draft, expires_at: nowMs + days * 86_400_000 }));
    latest = await signDraft(federation.council);
    if (days === 200) {
      // The next but one is nobody's successor yet.
      const skipped = latest;
      const before = readFileSync(join(federation.council, 'manifest-2.json'), 'utf8');
      expect(await a.exchange.takeManifest(skipped)).toMatchObject({ ok: false, reason: 'MANIFEST_SKIPS' });
      expect((await a.exchange.takeManifest(before)).ok).toBe(true);
    }
    if (days > 100) expect((await a.exchange.takeManifest(latest)).ok).toBe(true);
  }
  a.transport.manifestChanged();
  await installManifest(federation.dirOf(XB), latest, undefined);
  const logged: string[] = [];
  const b = await startNode(federation, XB, { log: (_level, event) => logged.push(event) });
  expect(b.exchange.manifest.version).toBe(1);
  expect(logged).toContain('node.manifest_waiting');
  await until(() => b.exchange.manifest.version === 4);
  const kinds = await Promise.all(
    [0, 1, 2, 3].map(async (i) => parseLedgerEntry(await b.storage.ledger.entry(i)).kind),
  );
  expect(kinds).toEqual(['MANIFEST', 'MANIFEST', 'MANIFEST', 'MANIFEST']);
  const bundle = await exportedBundle(b);
  expect((await auditBundles([{ name: 'xb.zip', bytes: bundle }])).ok).toBe(true);
});

test('a node that is given two versions while it is stopped starts under the later one and has recorded both', async () => {
  const federation = await copyTestFederation([XA, XB]);
  await (await startNode(federation, XB)).stop();
  for (const days of [100, 200]) {
    await amendDraft(federation.council, (draft, nowMs) => ({ ...draft, expires_at: nowMs + days * 86_400_000 }));
    await installManifest(federation.dirOf(XB), await signDraft(federation.council), undefined);
  }
  const b = await startNode(federation, XB);
  expect(b.exchange.manifest.version).toBe(3);
  expect(b.storage.ledger.size).toBe(3);
});

test('an operator whose node had the manifest from a peer first is told that it is in force', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const a = await startNode(federation, XA);
  const api = await ApiServer.open(a);
  onTestFinished(() => api.close());
  const decree = async (days: number): Promise<string> => {
    await amendDraft(federation.council, (draft, nowMs) => ({ ...draft, expires_at: nowMs + days * 86_400_000 }));
    return signDraft(federation.council);
  };
  const text = await decree(100);
  expect((await a.exchange.takeManifest(text)).ok).toBe(true);
  const publish = (name: string, manifest: string): ReturnType<typeof runCommand> => {
    writeFileSync(join(federation.folder, name), manifest);
    return runCommand('federation', 'publish', join(federation.folder, name), '--node', federation.dirOf(XA));
  };
  const again = await publish('again.json', text);
  expect([again.status, again.stdout]).toEqual([0, expect.stringContaining('has version 2 in force')]);
  const former = await publish('former.json', federation.manifest);
  expect([former.status, former.stderr]).toEqual([1, expect.stringContaining('MANIFEST_NOT_NEWER')]);
  await decree(200);
  const skipped = await publish('skipped.json', await decree(300));
  expect([skipped.status, skipped.stderr]).toEqual([1, expect.stringContaining('MANIFEST_SKIPS')]);
  expect(a.storage.ledger.size).toBe(2);
});

test('T01, T04: no session is ever resumed, so that every handshake shows its certificate', async () => {
  const federation = await copyTestFederation([XA, XB]);
  await startNode(federation, XA);
  const puppet = await Puppet.of(federation, XB);
  const { port } = loadNodeConfig(nodePaths(federation.dirOf(XA)).config, {}).listen!;
  const own = clientTlsOptions(
    puppet.tlsKey,
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

test('a session in which Hello was said under the manifest before is closed for that, and nobody is blamed', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const node = await startNode(federation, XA);
  const puppet = await Puppet.of(federation, XB);
  const session = await puppet.connect(XA);
  expect(await session.next()).toMatchObject({ type: 'hello', value: { manifest_version: 1 } });
  await amendDraft(federation.council, (draft, nowMs) => ({ ...draft, expires_at: nowMs + 100 * 86_400_000 }));
  expect((await node.exchange.takeManifest(await signDraft(federation.council))).ok).toBe(true);
  node.transport.manifestChanged();
  // For the peer both manifests were the same, and it begins to exchange.
  session.send(await puppet.hello());
  session.send(await puppet.delivery(XA));
  expect((await session.ended).reason).toBe('MANIFEST_UPDATED');
});
