/** A session whose handshake was under another certificate than the node presents by the time at which it opens. */
import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { CLOSE_CODES } from '../../src/exchange/mod.ts';
import { copyTestFederation, startNode } from '../kit/federation.ts';
import { Puppet, type PuppetSession } from '../kit/puppet.ts';

const DAY_MS = 24 * 3_600_000;

test('a certificate that is renewed between the handshake and the upgrade is presented anew', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  let aheadMs = 0;
  const node = await startNode(federation, 'XB', { clock: { nowMs: () => Date.now() + aheadMs } });
  const puppet = await Puppet.of(federation, 'XA');
  const { privateKey, certificate } = puppet.tlsKey;
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const early = async (): Promise<object> => {
    const options = { host: '127.0.0.1', port: node.transport.port, key, cert: certificate, rejectUnauthorized: false };
    const socket = connect(options);
    await once(socket, 'secureConnect');
    return { createConnection: () => socket };
  };
  const [before, after] = [await early(), await early()];
  const greeted = async (options: object): Promise<PuppetSession> => {
    const session = await puppet.connect('XB', options);
    session.send(await puppet.hello());
    expect((await session.next()).type).toBe('hello');
    return session;
  };
  const first = await greeted(before);

  aheadMs = 300 * DAY_MS;
  const nothing = (): void => undefined;
  await node.ownKeys.watch(node.exchange, {
    onSwitch: nothing,
    onRenewal: () => {
      aheadMs = 0;
      node.transport.certificateChanged();
    },
    onRenewalFailed: nothing,
    onFailure: nothing,
  });
  expect(aheadMs).toBe(0);
  const second = await puppet.connect('XB', after);
  expect((await first.ended).code).toBe(CLOSE_CODES.CERTIFICATE_CHANGED);
  expect((await second.ended).code).toBe(CLOSE_CODES.CERTIFICATE_CHANGED);
  await greeted(await early());
});
