/** Keys that change: the council's part, and what the second implementation makes of a ledger after it. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyDesk, rotateAt, signDraft, updateMember, type Node, type Rotation } from '../../src/node/mod.ts';
import type { KeyUse } from '../../src/trust/mod.ts';
import type { TestFederation } from './federation.ts';
import { temporaryFolder } from './folder.ts';

const HOUR_MS = 3_600_000;

/** Makes a node's next key and has the council put it into the draft. @returns with the end of the former one as it is listed */
export async function makeNextKey(
  federation: TestFederation,
  node: Node,
  use: KeyUse,
  { startsInMs = 0, overlapMs = HOUR_MS }: { readonly startsInMs?: number; readonly overlapMs?: number } = {},
): Promise<Rotation> {
  const rotation = await rotateAt(keyDesk(node), use, { startsInMs, overlapMs });
  const { issued_at: listedAt } = await updateMember(federation.council, rotation.update);
  return { ...rotation, former_not_after: Math.max(rotation.former_not_after, listedAt + overlapMs) };
}

/** Has the council sign the draft, and gives it to one node: the other hears of it from its peer. */
export async function publishDraft(federation: TestFederation, node: Node): Promise<void> {
  const taken = await node.exchange.takeManifest(await signDraft(federation.council));
  if (!taken.ok) throw new Error(taken.detail);
  node.transport.manifestChanged();
}

/** What the second implementation says of bundles; undefined where it cannot run. */
export function secondOpinion(
  bundles: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): string | undefined {
  const python = '/usr/bin/python3';
  if (spawnSync(python, ['-c', 'import cryptography'], { stdio: 'ignore' }).status !== 0) {
    process.stderr.write('python3-cryptography is not there: no second opinion\n');
    return undefined;
  }
  const folder = temporaryFolder();
  const paths = bundles.map(({ name, bytes }) => {
    writeFileSync(join(folder, `${name}.zip`), bytes);
    return join(folder, `${name}.zip`);
  });
  const { stdout, stderr } = spawnSync(python, ['test/interop/verifier.py', 'bundle', ...paths], { encoding: 'utf8' });
  return stdout + stderr;
}
