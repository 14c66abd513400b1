/** F13: a peer that does not read, and one that sends faster than this node works, make neither side hold more than the bounds. */
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { systemTimers, type Timers } from '../../src/base/mod.ts';
import { Flow } from '../../src/transport/flow.ts';
import { until } from '../kit/federation.ts';

const MIB = 1024 * 1024;

/** The two ends of one connection. */
async function pair(): Promise<{ near: WebSocket; far: WebSocket }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const far = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`, {
    perMessageDeflate: false,
  });
  const [near] = (await once(server, 'connection')) as [WebSocket];
  await once(far, 'open');
  onTestFinished(() => {
    near.terminate();
    far.terminate();
    server.close();
  });
  return { near, far };
}

test('F13: bulk stops while the peer does not read, and goes on when it does', async () => {
  const { near, far } = await pair();
  const flow = new Flow(near, systemTimers, () => undefined);
  far.pause();
  let handedOver = 0;
  let most = 0;
  const sending = (async () => {
    for (let n = 0; n < 256; n++) {
      near.send(Buffer.alloc(256 * 1024));
      flow.adjust();
      handedOver++;
      most = Math.max(most, near.bufferedAmount);
      await flow.room();
    }
  })();
  await until(() => handedOver > 4);
  // 64 MiB are to be sent; what is beyond the kernel's buffers stays with whoever sends.
  let last = -1;
  await until(async () => {
    const isStill = handedOver === last;
    last = handedOver;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return isStill;
  });
  expect(handedOver).toBeLessThan(200);
  expect(most).toBeLessThan(2 * MIB + 256 * 1024 + 1024);
  far.resume();
  await sending;
  expect(handedOver).toBe(256);
});

test('F13: a socket is not read while much of what it brought is unprocessed', async () => {
  const { near, far } = await pair();
  const flow = new Flow(near, systemTimers, () => undefined);
  let arrived = 0;
  const finish: (() => void)[] = [];
  near.on('message', (data: Buffer) => {
    arrived += data.length;
    flow.received(data.length, new Promise((resolve) => finish.push(resolve)));
  });
  for (let n = 0; n < 64; n++) far.send(Buffer.alloc(512 * 1024));
  await until(() => flow.isPaused);
  await new Promise((resolve) => setTimeout(resolve, 300));
  // Four MiB, and what had been read with the piece that filled them.
  expect(arrived).toBeLessThan(10 * MIB);
  const working = setInterval(() => {
    for (const done of finish.splice(0)) done();
  }, 5);
  await until(() => arrived === 32 * MIB);
  clearInterval(working);
  for (const done of finish.splice(0)) done();
  await until(() => !flow.isPaused);
});

test('F13: frames that wait are counted with what each takes beside its bytes', async () => {
  const { near, far } = await pair();
  const flow = new Flow(near, systemTimers, () => undefined);
  let arrived = 0;
  near.on('message', (data: Buffer) => {
    arrived++;
    flow.received(data.length, new Promise(() => undefined));
  });
  const all = 100_000;
  for (let n = 0; n < all; n++) far.send(Buffer.alloc(40));
  await until(() => flow.isPaused || arrived === all);
  expect(arrived).toBeLessThan(all / 2);
});

test('F13: answers are not read for either, once eight MiB of them wait; and a peer that takes nothing is given up', async () => {
  const { near, far } = await pair();
  let nowMs = 0;
  const timers: Timers = { ...systemTimers, monotonicMs: () => nowMs };
  let stuck = 0;
  const flow = new Flow(near, timers, () => stuck++);
  far.pause();
  while (!flow.isPaused) {
    near.send(Buffer.alloc(256 * 1024));
    flow.adjust();
  }
  expect(near.bufferedAmount).toBeLessThan(9 * MIB);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(stuck).toBe(0);
  nowMs = 31_000;
  await until(() => stuck > 0);
  flow.end();
  expect(near.isPaused).toBe(false);
});
