/** T04: a key that ends at a moment which the manifest names, by the times of a node in service, and no clock but the test's. */
import { expect, onTestFinished, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { CLOSE_CODES } from '../../src/exchange/mod.ts';
import { amendDraft, signDraft } from '../../src/node/mod.ts';
import { Transport } from '../../src/transport/mod.ts';
import { SESSION_TIMES } from '../../src/transport/wire-options.ts';
import { memberByCode, revokeKey } from '../../src/trust/mod.ts';
import { copyTestFederation, startNode } from '../kit/federation.ts';
import { readPrivateKeys } from '../kit/keys.ts';
import { Puppet, type Ending } from '../kit/puppet.ts';
import { ModelTime } from '../model/time.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const ALLOWED_MS = 60_000;
const STEP_MS = 1000;

test('a session that goes on being used is cut within a minute of the moment at which its key was revoked', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const node = await startNode(federation, XA);
  const puppet = await Puppet.of(federation, XB);
  const time = new ModelTime(Date.now());
  const clock = time.clockOf(() => 0);
  const endsAt = clock.nowMs() + 30 * STEP_MS;
  await amendDraft(federation.council, (draft, nowMs) => {
    const key = memberByCode(draft, XB)!.tls.spki_sha256[0]!.sha256;
    return revokeKey(draft, XB, key, { atMs: endsAt, reason: 'stolen' }, nowMs);
  });
  const manifest = await signDraft(federation.council);
  expect(await node.exchange.takeManifest(manifest)).toMatchObject({ ok: true });
  puppet.adopt(manifest);

  // The node's own connections make room for others, of which each second passes when the test says so.
  const { port } = node.transport;
  await node.transport.close();
  const { tls, certificates } = readPrivateKeys(nodePaths(federation.dirOf(XA)).keys);
  const transport = await Transport.open({
    code: XA,
    exchange: node.exchange,
    tlsKeys: () => [{ kid: '', privateKey: tls, certificate: certificates.tls }],
    clock,
    listen: { host: '127.0.0.1', port },
    onEvent: () => undefined,
    times: SESSION_TIMES,
    timers: time.timersOf({}),
  });
  onTestFinished(() => transport.close());
  const session = await puppet.converse(XA);
  let ending: Ending | undefined;
  void session.ended.then((end) => (ending = end));
  /** Whether the peer still answers; else the session is over. */
  const isServed = async (): Promise<boolean> => {
    session.send(await puppet.delivery(XA));
    for (;;) {
      const frame = await session.next().catch(() => undefined);
      if (frame === undefined || frame.type === 'receipt') return frame !== undefined;
    }
  };
  const step = (): Promise<void> => time.advance(STEP_MS, () => Promise.resolve());
  while (clock.nowMs() < endsAt) {
    expect(await isServed()).toBe(true);
    await step();
  }
  while (clock.nowMs() < endsAt + ALLOWED_MS && (await isServed())) await step();
  expect(clock.nowMs() - endsAt).toBeLessThan(ALLOWED_MS);
  await session.ended;
  expect(ending!.code).toBe(CLOSE_CODES.NOT_A_MEMBER);
  // Nor does anybody come back with that key.
  await expect(puppet.converse(XA)).rejects.toThrow(/403/);
}, 240_000);
