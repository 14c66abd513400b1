import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
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
import { watchBlame } from './blame.ts';
import { folderOfRun, temporaryFolder } from './folder.ts';

/** A federation on disk: one folder a node, all under one folder, with a council. */
export interface TestFederation {
  readonly folder: string;
  readonly council: string;
  readonly manifest: string;
  readonly fingerprint: string;
  dirOf(code: string): string;
}

// Test files that run at the same time have ports apart; so have the nodes that files have one after another, and all else.
const LOWEST_PORT = 20_000 + 1000 * (Number(process.env['VITEST_POOL_ID']) % 12);
const TEMPLATE_PORTS = LOWEST_PORT + 500;

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

/** Enrols nodes, as the commands do. */
async function createTestFederation(
  codes: readonly string[],
  dialOnly: readonly string[],
  street: string,
  folder: string,
): Promise<TestFederation> {
  const dirOf = (code: string): string => join(folder, code.toLowerCase());
  await Promise.all(
    codes.map(async (code) => {
      copyNode(await nodeTemplate(code, !dialOnly.includes(code), street), dirOf(code));
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

/**
 * The folder of a node that is in no federation yet: made once for all test files that run one after another in the same place of the
 * pool, because its RSA keys take more than a second of a processor.
 */
async function nodeTemplate(code: string, isReachable: boolean, street: string): Promise<string> {
  const place = join(inject('runFolder'), process.env['VITEST_POOL_ID']!);
  mkdirSync(place, { recursive: true });
  const kind = [code, street, ...(isReachable ? [] : ['dials'])].join();
  const made = readdirSync(place).map((name) => name.split(' '));
  const found = made.find((parts) => parts[1] === kind);
  if (found !== undefined) return join(place, found.join(' '));
  let port: number;
  do port = await freePortOf(TEMPLATE_PORTS, TEMPLATE_PORTS + 499);
  while (made.some(([taken]) => taken === String(port)));
  const dir = folderOfRun('node');
  await initNode({
    code: code as JurisdictionCode,
    dir,
    name: code,
    authority: `Central authority of ${code}`,
    endpoint: isReachable ? `wss://127.0.0.1:${port}/federation` : '',
    listen: isReachable ? { host: '127.0.0.1', port } : undefined,
    origin: `${code.toLowerCase()}.test.example`,
    passphrase: undefined,
  });
  const template = join(place, `${port} ${kind}`);
  // Under its name only when it is whole.
  renameSync(dir, template);
  return template;
}

function copyNode(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  // Node 24 copies a folder without its mode.
  chmodSync(nodePaths(to).keys, 0o700);
}

const templates = new Map<string, Promise<TestFederation>>();

/**
 * A fresh copy of a federation that this process made once. Copies share their ports, so they cannot run at the same time.
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
    template = createTestFederation(codes, dialOnly, street, folderOfRun('template'));
    templates.set(name, template);
  }
  const original = await template;
  const folder = temporaryFolder();
  const council = join(folder, 'council');
  cpSync(original.council, council, { recursive: true });
  const dirOf = (code: string): string => join(folder, code.toLowerCase());
  for (const code of codes) copyNode(original.dirOf(code), dirOf(code));
  return { ...original, folder, council, dirOf };
}

/** Starts a node of a federation in this process; it stops when the test ends, which fails if the node has blamed an honest peer. */
export async function startNode(
  federation: TestFederation,
  code: string,
  options: Partial<NodeOptions> = {},
): Promise<Node> {
  watchBlame();
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
  return freePortOf(LOWEST_PORT, LOWEST_PORT + 499);
}
