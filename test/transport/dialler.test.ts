import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Dialler } from '../../src/transport/dialler.ts';
import { QUICK, until } from '../kit/federation.ts';

/** A dialler whose preparations end when the test says so, and how often somebody has come to the door. */
async function setUp(): Promise<{
  readonly dialler: Dialler;
  readonly prepared: (() => void)[];
  readonly state: { calls: number; isConnected: boolean };
}> {
  const state = { calls: 0, isConnected: false };
  const server = createServer((socket) => {
    state.calls++;
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const prepared: (() => void)[] = [];
  const dialler = new Dialler({
    endpoint: () => `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tls: () => ({}),
    isConnected: () => state.isConnected,
    prepare: () =>
      new Promise((resolve) => {
        prepared.push(() => {
          resolve(() => undefined);
        });
      }),
    onFailure: () => undefined,
    times: QUICK,
    firstDelayMs: 0,
    random: () => 0,
  });
  onTestFinished(() => {
    dialler.stop();
    server.close();
  });
  return { dialler, prepared, state };
}

test('what changes while a call is prepared is heeded: one call at a time, none beside a session, none after the end', async () => {
  const { dialler, prepared, state } = await setUp();
  await until(() => prepared.length === 1);
  dialler.retry();
  await until(() => prepared.length === 2);
  for (const end of prepared) end();
  await until(() => state.calls > 0);

  const others = [await setUp(), await setUp()];
  for (const { prepared: own } of others) await until(() => own.length === 1);
  others[0]!.state.isConnected = true;
  others[1]!.dialler.stop();
  for (const { prepared: own } of others) own[0]!();
  // Long enough for a call on one machine, of which the one that was made tells.
  const { prepared: own, state: reached } = await setUp();
  await until(() => own.length === 1);
  own[0]!();
  await until(() => reached.calls > 0);
  expect([state, ...others.map((other) => other.state)].map(({ calls }) => calls)).toEqual([1, 0, 0]);
});
