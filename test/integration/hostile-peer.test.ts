/** A member that breaks the protocol on purpose, against a real node. */
import { generateKeyPairSync, sign } from 'node:crypto';
import forge from 'node-forge';
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { CLOSE_CODES } from '../../src/exchange/mod.ts';
import { encodeFrame, parseLedgerEntry, type Body, type Receipt } from '../../src/wire/mod.ts';
import { KEY_TYPES, signCheckpoint, verifierKey } from '../../src/ledger/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { issueCertificates, rawPublicKey, type NodeKeys } from '../../src/trust/mod.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { QUICK, changeConfig, copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { Puppet, bytesOf, freshId, type DeliverySpoils, type PuppetSession } from '../kit/puppet.ts';
import { makeNextKey, publishDraft } from '../kit/rotation.ts';

const XA = 'XA' as JurisdictionCode;
const deep = process.env['SLOW'] === '1';

async function stage(
  options: Parameters<typeof startNode>[2] = {},
): Promise<{ federation: TestFederation; node: Node; puppet: Puppet }> {
  const federation = await copyTestFederation(['XA', 'XB']);
  const node = await startNode(federation, 'XA', options);
  return { federation, node, puppet: await Puppet.of(federation, 'XB') };
}

async function answerTo(session: PuppetSession, delivery: Awaited<ReturnType<Puppet['delivery']>>): Promise<Receipt> {
  session.send(delivery);
  const frame = await session.next();
  if (frame.type !== 'receipt') throw new Error(`a ${frame.type} came`);
  return frame.value;
}

/** How many messages a node keeps as they came, and how many as they were signed. */
async function keptOf(node: Node): Promise<{ sealed: number; signed: number }> {
  const counts = { sealed: 0, signed: 0 };
  for (const form of ['sealed', 'signed'] as const)
    for await (const _ of node.storage.store.scan(`${form}/`)) counts[form]++;
  return counts;
}

/** A certificate for the puppet's own pinned key, rightly issued by its authority, that names these nodes. */
function certificateNaming(uris: readonly string[], { ca, certificates }: NodeKeys): string {
  const made = forge.pki.certificateFromPem(certificates.tls);
  const altNames = [{ type: 2, value: 'host.example' }, ...uris.map((value) => ({ type: 6, value }))];
  made.setExtensions([
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    { name: 'subjectAltName', altNames },
  ]);
  made.sign(
    forge.pki.privateKeyFromPem(ca.export({ format: 'pem', type: 'pkcs8' }).toString()),
    forge.md.sha256.create(),
  );
  return forge.pki.certificateToPem(made);
}

/** A sealed text under another protected header. */
function withHeader(jwe: string, change: (header: object) => object): string {
  const [header, ...rest] = jwe.split('.');
  const read = JSON.parse(Buffer.from(header!, 'base64url').toString()) as object;
  return [Buffer.from(JSON.stringify(change(read))).toString('base64url'), ...rest].join('.');
}

describe('connections', () => {
  test('T01, T02: nobody gets in without the right certificate, TLS 1.3, path and subprotocol', async () => {
    const refusals: unknown[] = [];
    const { node, puppet } = await stage({
      log: (_level, event, fields) => {
        if (event === 'transport.connection_refused') refusals.push(fields?.['detail']);
      },
    });
    /** Tries to get in; the node says why not. */
    const refusedWith = async (
      reason: string,
      options: Parameters<Puppet['connect']>[1],
      told = /403/,
    ): Promise<void> => {
      const before = refusals.length;
      await expect(puppet.connect('XA', options)).rejects.toThrow(told);
      await until(() => refusals.length > before);
      expect(refusals.slice(before)).toEqual([reason]);
    };
    const { ca, tls } = puppet.keys;
    await refusedWith('ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', { cert: '', key: '' }, /./);
    const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
    await refusedWith('ERR_SSL_UNSUPPORTED_PROTOCOL', old, /alert protocol version/);
    await expect(puppet.connect('XA', { path: '/' })).rejects.toThrow(/404/);
    await expect(puppet.connect('XA', { path: '/federation/' })).rejects.toThrow(/404/);
    await expect(puppet.connect('XA', { protocol: 'mla.v2' })).rejects.toThrow();
    const nowMs = Date.now();
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const pem = stranger.export({ format: 'pem', type: 'pkcs8' }).toString();
    // Issued by the member's own authority for its own code, but to a key that the manifest does not pin.
    const unpinned = issueCertificates({ code: puppet.code, host: '', nowMs, ca, tls: stranger });
    await refusedWith('CERTIFICATE_NOT_PINNED', { cert: unpinned.tls, key: pem });
    // A rogue authority: XB's own, vouching for XA, for nobody in the federation, for two at once, and for no node at all.
    const [own, twice] = [`urn:mla:node:XB`, `urn:mla:node:XA`];
    for (const [reason, uris] of [
      ['CERTIFICATE_WRONG_ISSUER', [twice]],
      ['CERTIFICATE_NOT_A_MEMBER', ['urn:mla:node:XC']],
      ['CERTIFICATE_UNNAMED', [own, twice]],
      ['CERTIFICATE_UNNAMED', []],
      ['CERTIFICATE_UNNAMED', ['urn:mla:node:XB,URI:urn:mla:node:XA']],
    ] as const)
      await refusedWith(reason, { cert: certificateNaming(uris, puppet.keys) });
    // Signed by an authority that no member has, under the name of one that a member has.
    const foreign = issueCertificates({ code: puppet.code, host: '', nowMs, ca: stranger, tls });
    await refusedWith('CERT_SIGNATURE_FAILURE', { cert: foreign.tls }, /./);
    expect(node.transport.connections()[0]!.connected).toBe(false);
    const session = await puppet.converse('XA');
    await until(() => node.transport.connections()[0]!.connected);
    session.close();
  });

  test('a member has eight sessions at a time, however many it asks for at once', async () => {
    const { node, puppet } = await stage();
    const all = 20;
    let asking = 0;
    const { exchange } = node;
    const seenCheckpoint = exchange.seenCheckpoint.bind(exchange);
    // What is known of the member is read from a slow disk: they all ask before the first is answered.
    exchange.seenCheckpoint = async (peer) => {
      asking++;
      await until(() => asking >= all);
      return seenCheckpoint(peer);
    };
    const answers = await Promise.allSettled(Array.from({ length: all }, () => puppet.connect('XA')));
    const refused = answers.filter((answer) => answer.status === 'rejected').map(({ reason }) => String(reason));
    expect(refused).toHaveLength(all - 8);
    for (const reason of refused) expect(reason).toContain('429');
    for (const answer of answers) if (answer.status === 'fulfilled') answer.value.close();
  });
});

describe('frames', () => {
  test.each<[string, (puppet: Puppet) => Promise<Parameters<PuppetSession['send']>[0]>, number]>([
    ['text', () => Promise.resolve('hello'), 4000],
    ['garbage', () => Promise.resolve(bytesOf('garbage')), 4000],
    ['nothing', () => Promise.resolve(new Uint8Array()), 4000],
    ['a delivery before the Hello', (puppet) => puppet.delivery('XA'), 4001],
    ['another protocol', (puppet) => puppet.hello({ protocol: 2 }), 4002],
    ['another schema', (puppet) => puppet.hello({ schema_version: 2 }), 4002],
    ['another code', (puppet) => puppet.hello({ code: 'XC' }), 4002],
    ['another manifest of the version', (puppet) => puppet.hello({ manifest_digest: new Uint8Array(32) }), 4004],
    ['a checkpoint that is none', (puppet) => puppet.hello({ checkpoint: 'x' }), 4007],
    ['a checkpoint of this node that it never signed', (puppet) => puppet.hello({ peer_checkpoint: 'x' }), 4007],
    ['no Hello but a member that the protocol does not have', () => Promise.resolve(Uint8Array.of(0x9a, 6, 0)), 4000],
    [
      'a Hello and something after its end',
      async (puppet) => Uint8Array.of(...encodeFrame(await puppet.hello()), 0),
      4000,
    ],
    [
      'a Hello under an overlong tag',
      async (puppet) => Uint8Array.of(0x8a, 0, ...encodeFrame(await puppet.hello()).slice(1)),
      4000,
    ],
    ['a clock before 1970', (puppet) => puppet.hello({ clock: 0 }), 4000],
    ['a checkpoint with carriage returns', (puppet) => puppet.hello({ checkpoint: 'xb\r\n1\r\n' }), 4000],
    ['T14: more than a mebibyte', () => Promise.resolve(new Uint8Array(2 * 1024 * 1024)), 1009],
  ])('the first is %s', async (_name, make, code) => {
    const { node, puppet } = await stage();
    const session = await puppet.connect('XA');
    session.send(await make(puppet));
    const ending = await session.ended;
    expect(ending.code).toBe(code);
    // The name of the code is all that a peer is told.
    expect(ending.reason).toBe(Object.entries(CLOSE_CODES).find(([, value]) => value === code)?.[0] ?? '');
    expect(node.storage.ledger.size).toBe(1);
  });

  test('a newer manifest that is announced and never comes ends the session with a code of its own', async () => {
    const { node, puppet } = await stage({ times: { ...QUICK, manifestMs: 100 } });
    const session = await puppet.connect('XA');
    session.send(await puppet.hello({ manifest_version: 2 }));
    expect((await session.ended).code).toBe(4040);
    expect(node.exchange.manifest.version).toBe(1);
  });

  test('limits beyond the protocol’s own are no reason to end a session', async () => {
    const { node, puppet } = await stage();
    const session = await puppet.connect('XA');
    session.send(
      await puppet.hello({ limits: { max_message_bytes: 2 ** 32 - 1, max_evidence_bytes: 1, credit: 2 ** 32 - 1 } }),
    );
    await until(() => node.transport.connections()[0]!.connected);
    session.close();
  });

  test.each([1000, 3000, 4000, 4099, 4777])('a peer that leaves with %i has left, and comes back', async (code) => {
    const { node, puppet } = await stage();
    const session = await puppet.converse('XA');
    session.close(code);
    await session.ended;
    await until(() => !node.transport.connections()[0]!.connected);
    (await puppet.converse('XA')).close();
    expect(node.storage.ledger.size).toBe(1);
  });

  test.each([
    [4018, 'GOING_AWAY'],
    [4777, 'closed with 4777'],
  ])('what a peer writes beside the code %i with which it leaves is told to nobody', async (code, told) => {
    const ends: unknown[] = [];
    const { node, puppet } = await stage({
      log: (_level, event, fields) => {
        if (event === 'transport.disconnected') ends.push(fields?.['detail']);
      },
    });
    const session = await puppet.converse('XA');
    await until(() => node.transport.connections()[0]!.connected);
    session.close(code, '\u001b[2JCERTIFICATE_CHANGED\u202e');
    await until(() => ends.length > 0);
    expect(ends).toEqual([told]);
  });

  test('silence, a second Hello, and a manifest nobody asked for end the session', async () => {
    const { puppet } = await stage();
    const silent = await puppet.connect('XA');
    expect((await silent.ended).code).toBe(4001);
    for (const frame of [await puppet.hello(), { type: 'manifest', value: { manifest: 'x' } } as const]) {
      const session = await puppet.converse('XA');
      session.send(frame);
      expect((await session.ended).code).toBe(4001);
    }
  });
});

describe('deliveries', () => {
  test.each<[string, DeliverySpoils, number]>([
    ['in another’s name', { envelope: { from: 'XC' } }, 4009],
    ['to another', { envelope: { to: 'XC' } }, 4009],
    ['about another message than its entry', { envelope: { message_id: freshId() } }, 4010],
    ['with another number than its entry', { envelope: { seq: 2 } }, 4010],
    ['with another seal than its entry', { entry: { sealed_digest: new Uint8Array(32) } }, 4010],
    ['for another node by its entry', { entry: { peer: 'XC' } }, 4010],
    ['without its seal', { envelope: { sealed: undefined } }, 4010],
    ['with a proof of nothing', { envelope: { sent: { entry: Uint8Array.of(1), proof: 'x' } } }, 4010],
  ])('%s: closed, and nothing is written', async (_name, spoils, code) => {
    const { node, puppet } = await stage();
    const session = await puppet.converse('XA');
    session.send(await puppet.delivery('XA', spoils));
    expect((await session.ended).code).toBe(code);
    expect(node.storage.ledger.size).toBe(1);
    expect(await node.exchange.messages({})).toEqual([]);
  });

  const body = (change: object): Body => ({
    type: 'assistance_request',
    value: { ...(requestDraft().body.value as object), ...change } as never,
  });
  test.each<[string, DeliverySpoils]>([
    ['SEALED_PARTY_MISMATCH', { sealedTo: { from: XA } }],
    ['SEALED_PARTY_MISMATCH', { sealedTo: { to: 'XB' as JurisdictionCode } }],
    ['SEALED_MALFORMED', { sealed: (jwe) => withHeader(jwe, (header) => ({ ...header, zip: 'DEF' })) }],
    ['RECIPIENT_KEY_UNKNOWN', { sealed: (jwe) => withHeader(jwe, (header) => ({ ...header, kid: 'A'.repeat(43) })) }],
    ['SEALED_PARTY_MISMATCH', { sealed: (jwe) => withHeader(jwe, (header) => ({ ...header, apu: 'WEM' })) }],
    ['SEALED_PARTY_MISMATCH', { sealed: (jwe) => withHeader(jwe, (header) => ({ ...header, apv: 'WEM' })) }],
    ['SEALED_UNDECRYPTABLE', { sealed: (jwe) => jwe.replace(/[^.]+$/, 'A'.repeat(22)) }],
    ['SIGNED_MALFORMED', { jws: (jws) => `${jws}=` }],
    ['SIGNING_KEY_UNKNOWN', { signWith: { kid: 'A'.repeat(43) } }],
    ['SIGNATURE_INVALID', { jws: (jws) => jws.replace(/[^.]+$/, 'A'.repeat(85) + 'A') }],
    ['SIGNED_DIGEST_MISMATCH', { entry: { signed_digest: new Uint8Array(32) } }],
    ['SCHEMA_UNSUPPORTED', { header: { schema_version: 2 } }],
    ['SENDER_MISMATCH', { header: { from: 'XC' as JurisdictionCode } }],
    ['RECIPIENT_MISMATCH', { header: { to: 'XC' as JurisdictionCode } }],
    ['RECIPIENT_KEY_MISMATCH', { header: { recipient_kid: `${'A'.repeat(42)}E` } }],
    ['MESSAGE_ID_MISMATCH', { header: { message_id: freshId() }, envelope: {}, entry: {} }],
    ['SEQ_MISMATCH', { header: { seq: 7 } }],
    ['SIGNING_KEY_NOT_VALID', { header: { issued_at: 1 } }],
    ['ISSUED_IN_FUTURE', { header: { issued_at: Date.now() + 3_600_000 } }],
    ['EXPIRED', { header: { expires_at: 1 } }],
    ['FIELD_INVALID', { body: body({ urgency: 'URGENT' }) }],
    ['CASE_UNKNOWN', { body: acknowledgementDraft(freshId()).body }],
  ])('T03, T05, T06, T08: refused with a proved reason, once and for all: %s', async (reason, spoils) => {
    const { node, puppet } = await stage();
    const session = await puppet.converse('XA');
    let delivery = await puppet.delivery('XA', spoils);
    if (reason === 'MESSAGE_ID_MISMATCH') {
      // The header's id differs from what the envelope and the entry agree on.
      const message_id = freshId();
      puppet.seq = 0;
      delivery = await puppet.delivery('XA', { entry: { message_id }, envelope: { message_id } });
    }
    const receipt = await answerTo(session, delivery);
    expect(parseLedgerEntry(receipt.entry)).toMatchObject({ kind: 'REFUSED', reason, seq: 1, peer: 'XB' });
    expect((await answerTo(session, delivery)).entry).toEqual(receipt.entry);
    expect(node.storage.ledger.size).toBe(2);
    expect(await node.exchange.cases()).toEqual([]);
    // What was not opened is kept as it came: for people, and for the day on which its key is found.
    expect(await keptOf(node)).toEqual(reason === 'CASE_UNKNOWN' ? { sealed: 0, signed: 1 } : { sealed: 1, signed: 0 });
    session.close();
  });

  test('T07: copies get the same entry, however many and over however many sessions', async () => {
    const { node, puppet } = await stage();
    const delivery = await puppet.delivery('XA');
    let first: Receipt | undefined;
    for (let round = 0; round < 3; round++) {
      const session = await puppet.converse('XA');
      for (let copy = 0; copy < (deep ? 3000 : 30); copy++) {
        const receipt = await answerTo(session, delivery);
        first ??= receipt;
        expect(receipt.entry).toEqual(first.entry);
      }
      session.close();
    }
    expect(node.storage.ledger.size).toBe(2);
    expect(await keptOf(node)).toEqual({ sealed: 0, signed: 1 });
    expect(await node.exchange.messages({})).toHaveLength(1);
  });

  test('a gap in the numbers, and another message under a number seen before, end the session', async () => {
    const { node, puppet } = await stage();
    let session = await puppet.converse('XA');
    puppet.seq = 1;
    session.send(await puppet.delivery('XA'));
    expect((await session.ended).code).toBe(4011);
    session = await puppet.converse('XA');
    puppet.seq = 0;
    await answerTo(session, await puppet.delivery('XA'));
    puppet.seq = 0;
    session.send(await puppet.delivery('XA'));
    expect((await session.ended).code).toBe(4012);
    // MANIFEST, RECEIVED, and the INCIDENT that keeps the contradiction.
    await until(() => node.storage.ledger.size === 3);
    expect(parseLedgerEntry(await node.storage.ledger.entry(2))).toMatchObject({ kind: 'INCIDENT', peer: 'XB' });
  });

  test('an id used before is refused under its new number, and the first message stays', async () => {
    const { node, puppet } = await stage();
    const session = await puppet.converse('XA');
    const first = await puppet.delivery('XA');
    await answerTo(session, first);
    const again = await puppet.delivery('XA', { header: { message_id: first.value.message_id as never } });
    const receipt = await answerTo(session, again);
    expect(parseLedgerEntry(receipt.entry)).toMatchObject({ kind: 'REFUSED', reason: 'MESSAGE_ID_REUSED', seq: 2 });
    expect((await answerTo(session, again)).entry).toEqual(receipt.entry);
    expect(await node.exchange.messages({})).toMatchObject([{ status: 'RECEIVED', seq: 1 }]);
    session.close();
  });

  test('more unanswered deliveries than the credit end the session', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    changeConfig(federation, 'XA', { limits: { credit: 4 } });
    await startNode(federation, 'XA');
    const puppet = await Puppet.of(federation, 'XB');
    const session = await puppet.converse('XA');
    const deliveries = [];
    // More than can be answered before the fifth of them is read.
    for (let i = 0; i < 100; i++) deliveries.push(await puppet.delivery('XA'));
    for (const delivery of deliveries) session.send(delivery);
    expect((await session.ended).code).toBe(4013);
  });
});

describe('receipts and heads', () => {
  async function delivered(): Promise<{
    node: Node;
    puppet: Puppet;
    session: PuppetSession;
    entry: Parameters<Puppet['append']>[0];
  }> {
    const { node, puppet } = await stage();
    const session = await puppet.converse('XA');
    await until(() => node.transport.connections()[0]!.connected);
    await node.exchange.send(requestDraft(), 'XB' as JurisdictionCode);
    const frame = await session.next();
    if (frame.type !== 'deliver') throw new Error(`a ${frame.type} came`);
    const sent = parseLedgerEntry(frame.value.sent.entry);
    const { leaf, note } = { leaf: new Uint8Array(32), note: (await puppet.checkpoint()).note };
    const entry = {
      kind: 'RECEIVED',
      peer: 'XA',
      message_id: sent.message_id,
      seq: sent.seq,
      sealed_digest: sent.sealed_digest,
      signed_digest: sent.signed_digest,
      detail: { type: 'peer_entry', value: { leaf_hash: leaf, checkpoint: note } },
    } as const;
    return { node, puppet, session, entry };
  }

  test('a receipt that says the right thing is held; the same again changes nothing; another one is an incident', async () => {
    const { node, puppet, session, entry } = await delivered();
    const index = puppet.append(entry);
    session.send({ type: 'receipt', value: await puppet.receipt(index) });
    await until(async () => (await node.exchange.messages({}))[0]!.held !== undefined);
    session.send({ type: 'receipt', value: await puppet.receipt(index) });
    const refusal = puppet.append({ ...entry, kind: 'REFUSED', reason: 'EXPIRED' });
    session.send({ type: 'receipt', value: await puppet.receipt(refusal) });
    expect((await session.ended).code).toBe(4014);
    await until(() => node.storage.ledger.size === 4);
    expect(await node.exchange.messages({})).toMatchObject([{ status: 'RECEIVED' }]);
    expect(parseLedgerEntry(await node.storage.ledger.entry(3))).toMatchObject({ kind: 'INCIDENT' });
  });

  test.each<[string, object]>([
    ['about another message', { message_id: freshId() }],
    ['with another number', { seq: 2 }],
    ['over another seal', { sealed_digest: new Uint8Array(32) }],
    ['over another signature', { signed_digest: new Uint8Array(32) }],
    ['for another sender', { peer: 'XC' }],
    ['that is no answer', { kind: 'SENT', detail: undefined }],
  ])('a receipt %s is not held', async (_name, change) => {
    const { node, puppet, session, entry } = await delivered();
    const index = puppet.append({ ...entry, ...change });
    session.send({ type: 'receipt', value: await puppet.receipt(index) });
    expect((await session.ended).code).toBe(4014);
    expect(await node.exchange.messages({})).toMatchObject([{ status: 'QUEUED' }]);
  });

  test('a peer whose ledger shrank or changed is noticed at its Hello, and the proof is kept', async () => {
    const { node, puppet } = await stage();
    const session = await puppet.converse('XA');
    await answerTo(session, await puppet.delivery('XA'));
    await answerTo(session, await puppet.delivery('XA'));
    session.close();
    await until(() => !node.transport.connections()[0]!.connected);
    const rolledBack = await puppet.connect('XA');
    rolledBack.send(await puppet.hello({ checkpoint: (await puppet.checkpoint(1)).note }));
    expect((await rolledBack.ended).code).toBe(4008);
    await until(() => node.storage.ledger.size === 4);
  });

  test('T20: whatever manifest it says it has, its head is judged, or nothing of it is taken', async () => {
    const { federation, node, puppet } = await stage();
    const first = await puppet.converse('XA');
    await answerTo(first, await puppet.delivery('XA'));
    await answerTo(first, await puppet.delivery('XA'));
    first.close();
    await until(() => !node.transport.connections()[0]!.connected);
    const rolledBack = (await puppet.checkpoint(1)).note;
    const other = generateKeyPairSync('ed25519').privateKey;
    const { origin } = puppet.manifest.manifest.members.find(({ code }) => code === 'XB')!.ledger;
    const key = verifierKey(origin, KEY_TYPES.ed25519, rawPublicKey(other));
    const unknown = signCheckpoint(await puppet.checkpoint(1), key, (message) => sign(null, message, other)).note;
    let size = 3;
    const versions = [2, 999_999];
    for (const isBehind of [false, true]) {
      if (isBehind) {
        await makeNextKey(federation, node, 'witness', { startsInMs: 3_600_000 });
        await publishDraft(federation, node);
        size++;
        versions.splice(0, 2, 1);
      }
      for (const version of versions) {
        const spoils = { manifest_version: version };
        const session = await puppet.connect('XA');
        session.send(await puppet.hello({ ...spoils, checkpoint: rolledBack }));
        expect((await session.ended).code).toBe(4008);
        for (let i = 0; i < 2; i++) {
          const unjudged = await puppet.converse('XA', { ...spoils, checkpoint: unknown });
          if (isBehind) expect((await unjudged.next()).type).toBe('manifest');
          unjudged.send(await puppet.delivery('XA'));
          expect((await unjudged.ended).code).toBe(4001);
        }
      }
    }
    // Of one kind, an incident is recorded once a minute. Nothing else came of these sessions.
    const incidents = await node.exchange.incidents();
    expect(new Set(incidents.map(({ kind }) => kind))).toEqual(new Set(['ROLLED_BACK_LEDGER']));
    expect(node.storage.ledger.size).toBe(size + incidents.length);
    expect(await node.exchange.messages({})).toHaveLength(2);
  }, 120_000);
});
