/** Threats that need a connection of their own: compression, crumbs, another’s seal, clocks that are a day off. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { signMessage } from '../../src/sealing/mod.ts';
import { clientTlsOptions, issueCertificates, serverTlsOptions } from '../../src/trust/mod.ts';
import { parseLedgerEntry } from '../../src/wire/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { Puppet } from '../kit/puppet.ts';

const [XA, XB, XC] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode, 'XC' as JurisdictionCode];
const DAY = 86_400_000;

/** A WebSocket by hand: the answer to the upgrade, and then what comes. */
async function upgraded(
  federation: TestFederation,
): Promise<{ readonly socket: TLSSocket; readonly head: string; received: () => Buffer }> {
  const puppet = await Puppet.of(federation, XB);
  const { port } = loadNodeConfig(nodePaths(federation.dirOf(XA)).config, {}).listen!;
  const own = clientTlsOptions(
    { privateKey: puppet.keys.tls, certificate: puppet.keys.certificates.tls },
    () => puppet.manifest.manifest,
    XA,
    () => Date.now(),
  );
  const socket = connect({ ...own, host: '127.0.0.1', port });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  let received = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => (received = Buffer.concat([received, data])));
  socket.on('error', () => undefined);
  socket.write(
    'GET /federation HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mla.v1\r\n' +
      'Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n\r\n',
  );
  await until(() => received.includes('\r\n\r\n'));
  return { socket, head: received.toString('latin1').split('\r\n\r\n')[0]!, received: () => received };
}

/** A masked client frame; the mask is zero, so that the payload stands as it is. */
function frame(first: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

describe('certificates', () => {
  test('T01: one that has expired is refused by whoever is dialled, and by whoever dials', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const seen: Record<string, unknown>[] = [];
    const log = (_level: string, event: string, fields: object = {}): void => void seen.push({ event, ...fields });
    const [puppet, nowMs] = [await Puppet.of(federation, XB), Date.now() - 400 * DAY];
    // Pinned, of the right authority, for the right node: only its time is over.
    const { ca, tls } = puppet.keys;
    const { tls: certificate } = issueCertificates({ code: XB, host: '127.0.0.1', ca, tls, nowMs });
    const { port } = loadNodeConfig(nodePaths(federation.dirOf(XB)).config, {}).listen!;
    const server = createServer({ ...serverTlsOptions({ privateKey: tls, certificate }, puppet.manifest.manifest) });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const node = await startNode(federation, XA, { log });
    const failed = (): unknown[] => seen.filter(({ event }) => event === 'transport.dial_failed');
    await until(() => failed().length > 0, 60_000);
    expect(failed()).toContainEqual(expect.objectContaining({ peer: XB, detail: 'CERT_HAS_EXPIRED' }));
    await new Promise((resolve) => server.close(resolve));

    await expect(puppet.connect(XA, { cert: certificate })).rejects.toThrow();
    const refused = (): unknown[] => seen.filter(({ event }) => event === 'transport.connection_refused');
    await until(() => refused().length > 0, 60_000);
    expect(refused()).toContainEqual(expect.objectContaining({ detail: 'CERT_HAS_EXPIRED' }));
    expect(node.transport.connections()[0]!.connected).toBe(false);
  }, 180_000);
});

describe('frames', () => {
  test('T13: compression is not agreed to, and a compressed frame ends the session', async () => {
    const federation = await copyTestFederation([XA, XB]);
    await startNode(federation, XA);
    const { socket, head, received } = await upgraded(federation);
    expect(head).toContain('101 Switching Protocols');
    expect(head.toLowerCase()).not.toContain('sec-websocket-extensions');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(frame(0xc2, Buffer.from([0x01])));
    await closed;
    expect(received().includes(Buffer.from([0x88, 0x02, 0x03, 0xea]))).toBe(true);
  });

  test('T14: a message in a hundred crumbs ends the session', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const node = await startNode(federation, XA);
    const { socket, received } = await upgraded(federation);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(frame(0x02, Buffer.from([0x0a])));
    for (let i = 0; i < 100; i++) socket.write(frame(0x00, Buffer.from([0x01])));
    await closed;
    expect(received().includes(Buffer.from([0x88, 0x02, 0x03, 0xf0]))).toBe(true);
    expect(node.storage.ledger.size).toBe(1);
  });
});

describe('messages', () => {
  test('T05: who holds the recipient’s keys cannot speak for a sender', async () => {
    const federation = await copyTestFederation([XA, XB]);
    const node = await startNode(federation, XA);
    const [puppet, stolen] = [await Puppet.of(federation, XB), await Puppet.of(federation, XA)];
    const { kid } = puppet.manifest.manifest.members.find(({ code }) => code === XB)!.sign[0]!;
    const session = await puppet.converse(XA);
    for (const key of [stolen.keys.sign, generateKeyPairSync('ed25519').privateKey]) {
      const forge = (jws: string): string => {
        const payload = Buffer.from(jws.split('.')[1]!, 'base64url');
        return signMessage(payload, { kid, sign: (message) => sign(null, message, key) }).jws;
      };
      session.send(await puppet.delivery(XA, { jws: forge }));
      const answer = await session.next();
      if (answer.type !== 'receipt') throw new Error(answer.type);
      expect(parseLedgerEntry(answer.value.entry)).toMatchObject({ kind: 'REFUSED', reason: 'SIGNATURE_INVALID' });
    }
    expect(await node.exchange.cases()).toEqual([]);
    session.close();
  });

  test('T06: what one member signed for another cannot be sealed again for a third', async () => {
    const federation = await copyTestFederation([XA, XB, XC]);
    const node = await startNode(federation, XC);
    // XA wrote to XB, and XB passes the signed text on: as XA's, and as its own.
    const [puppet, author] = [await Puppet.of(federation, XB), await Puppet.of(federation, XA)];
    let written = '';
    await author.delivery(XB, { jws: (jws) => (written = jws) });
    author.seq = 0;
    const session = await puppet.converse(XC);
    for (const [seal, reason] of [
      [{ from: XA }, 'SEALED_PARTY_MISMATCH'],
      [{}, 'SIGNING_KEY_UNKNOWN'],
    ] as const) {
      session.send(await puppet.delivery(XC, { jws: () => written, sealedTo: seal }));
      const answer = await session.next();
      if (answer.type !== 'receipt') throw new Error(answer.type);
      expect(parseLedgerEntry(answer.value.entry)).toMatchObject({ kind: 'REFUSED', reason });
    }
    session.send(await puppet.delivery(XC, { envelope: { from: XA }, jws: () => written, sealedTo: { from: XA } }));
    expect((await session.ended).code).toBe(4009);
    // What XA signed for XC itself says so inside; what it signed for XB, XC does not take even from XA.
    const own = await author.converse(XC);
    own.send(await author.delivery(XC, { jws: () => written }));
    const answer = await own.next();
    if (answer.type !== 'receipt') throw new Error(answer.type);
    expect(parseLedgerEntry(answer.value.entry)).toMatchObject({ kind: 'REFUSED', reason: 'RECIPIENT_MISMATCH' });
    expect(await node.exchange.cases()).toEqual([]);
    own.close();
  });
});

describe('clocks', () => {
  test.each([
    ['a day ahead', DAY, 'REFUSED', 'ISSUED_IN_FUTURE'],
    ['a few hours behind', -DAY / 4, 'RECEIVED', undefined],
  ])('T23: a sender whose clock is %s', async (_name, offset, status, reason) => {
    const federation = await copyTestFederation([XA, XB]);
    const clock = { nowMs: () => Date.now() + offset };
    const [a, b] = [await startNode(federation, XA, { clock }), await startNode(federation, XB)];
    const sent = await a.exchange.send(requestDraft(), XB);
    const record = await a.exchange.answerOf(sent.message_id, 60_000);
    expect({ status: record.status, reason: record.reason }).toEqual({ status, reason });
    // What the offset is, the other side has seen in the Hello.
    const seen = b.transport.connections()[0]!.clock_offset_ms!;
    expect(Math.abs(seen - offset)).toBeLessThan(60_000);
  });

  test('T23: a clock that jumps back makes nothing valid again, and no entry older than the one before', async () => {
    const federation = await copyTestFederation([XA, XB]);
    let offset = 0;
    const node = await startNode(federation, XA, { clock: { nowMs: () => Date.now() + offset } });
    const puppet = await Puppet.of(federation, XB);
    const session = await puppet.converse(XA);
    for (const jump of [0, -DAY / 2]) {
      offset = jump;
      session.send(await puppet.delivery(XA, { header: { issued_at: Date.now() - DAY / 2 } }));
      await session.next();
    }
    const times = await Promise.all(
      [0, 1, 2].map(async (i) => parseLedgerEntry(await node.storage.ledger.entry(i)).time),
    );
    expect(times).toEqual(times.toSorted((x, y) => x - y));
    session.close();
  });
});
