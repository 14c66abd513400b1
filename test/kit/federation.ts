import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type JurisdictionCode } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import {
  Node,
  createCouncil,
  enrolMember,
  fingerprintOf,
  initNode,
  installManifest,
  signDraft,
  type NodeOptions,
} from '../../src/node/mod.ts';
import { freePort as freePortOf } from '../../src/cli/sandbox/free-port.ts';
import { verifyManifest } from '../../src/trust/mod.ts';
import type { SessionTimes } from '../../src/transport/mod.ts';
import { folderOfFile, temporaryFolder } from './folder.ts';

/** A federation on disk: one folder a node, all under one folder, with a council. */
export interface TestFederation {
  readonly folder: string;
  readonly council: string;
  readonly manifest: string;
  readonly fingerprint: string;
  dirOf(code: string): string;
}

/** Short waits, so that a test sees in a second what takes a minute. */
export const QUICK: SessionTimes = {
  helloMs: 5000,
  manifestMs: 15_000,
  pingMs: 200,
  silenceMs: 15_000,
  minReconnectMs: 20,
  maxReconnectMs: 200,
  recheckMs: 200,
};

/** Makes nodes and enrols them, as the commands do. */
async function createTestFederation(
  codes: readonly string[],
  dialOnly: readonly string[],
  folder: string,
): Promise<TestFederation> {
  const dirOf = (code: string): string => join(folder, code.toLowerCase());
  await Promise.all(
    codes.map(async (code) => {
      const listen = { host: '127.0.0.1', port: await freePort() };
      const isReachable = !dialOnly.includes(code);
      await initNode({
        code: code as JurisdictionCode,
        dir: dirOf(code),
        name: code,
        authority: `Central authority of ${code}`,
        endpoint: isReachable ? `wss://127.0.0.1:${listen.port}/federation` : '',
        listen: isReachable ? listen : undefined,
        origin: `${code.toLowerCase()}.test.example`,
        passphrase: undefined,
      });
    }),
  );
  const council = join(folder, 'council');
  await createCouncil(council, { keys: 1, threshold: 1 });
  for (const code of codes) await enrolMember(council, await readFile(nodePaths(dirOf(code)).enrolment, 'utf8'));
  const manifest = await signDraft(council);
  const verified = verifyManifest(manifest, { selfSigned: true });
  if (!verified.ok) throw new Error(verified.detail);
  const fingerprint = fingerprintOf(verified.value);
  for (const code of codes) await installManifest(dirOf(code), manifest, fingerprint);
  return { folder, council, manifest, fingerprint, dirOf };
}

const templates = new Map<string, Promise<TestFederation>>();

/**
 * A fresh copy of a federation that this test file made once: making keys takes a second. Copies share their ports, so they cannot run
 * at the same time.
 * @param dialOnly members behind a one-way firewall: they have no endpoint and listen nowhere
 * @param street federations of different streets have ports of their own, and can run at the same time
 */
export async function copyTestFederation(
  codes: readonly string[],
  dialOnly: readonly string[] = [],
  street = '',
): Promise<TestFederation> {
  const name = [street, ...codes, ...dialOnly].join();
  let template = templates.get(name);
  if (template === undefined) {
    template = createTestFederation(codes, dialOnly, folderOfFile('template'));
    templates.set(name, template);
  }
  const original = await template;
  const folder = temporaryFolder();
  cpSync(original.folder, folder, { recursive: true });
  // Node 24 copies a folder without its mode.
  for (const code of codes) chmodSync(nodePaths(join(folder, code.toLowerCase())).keys, 0o700);
  return { ...original, folder, council: join(folder, 'council'), dirOf: (code) => join(folder, code.toLowerCase()) };
}

/** Starts a node of a federation in this process; it stops when the test ends. */
export async function startNode(
  federation: TestFederation,
  code: string,
  options: Partial<NodeOptions> = {},
): Promise<Node> {
  const node = await Node.start({
    config: loadNodeConfig(nodePaths(federation.dirOf(code)).config, {}),
    passphrase: undefined,
    log: () => undefined,
    times: QUICK,
    // Cosigning adds entries at its own pace: only the tests about it want them.
    witnessIntervalMs: Infinity,
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });
  let stopped: Promise<void> | undefined;
  const stop = node.stop.bind(node);
  node.stop = () => (stopped ??= stop());
  onTestFinished(() => node.stop());
  return node;
}

/** Sets members of the configuration of a node that is not running. */
export function changeConfig(federation: TestFederation, code: string, change: object): void {
  const path = nodePaths(federation.dirOf(code)).config;
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change }));
}

/** Waits until something holds, or fails. */
export async function until(what: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${timeoutMs} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * A port that nobody uses right now, nor any test file that runs beside this one is given: most of a minute can pass until a node listens
 * at it.
 */
export function freePort(): Promise<number> {
  const lowest = 20_000 + 1000 * (Number(process.env['VITEST_POOL_ID']) % 12);
  return freePortOf(lowest, lowest + 999);
}
