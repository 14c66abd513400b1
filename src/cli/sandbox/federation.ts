/** Sets up a whole federation in one folder, with the same functions as `init` and `federation`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type JurisdictionCode } from '../../base/mod.ts';
import { nodePaths } from '../../config/mod.ts';
import { createCouncil, enrolMember, fingerprintOf, initNode, installManifest, signDraft } from '../../node/mod.ts';
import { verifyManifest } from '../../trust/mod.ts';
import { CliError } from '../error.ts';
import { freePort } from './free-port.ts';
import type { ScenarioNode } from './step.ts';

/** A node of the sandbox. */
export interface SandboxNode {
  readonly code: JurisdictionCode;
  readonly dir: string;
}

/** Makes every node, founds the federation and hands out its manifest. */
export async function createFederation(
  dir: string,
  members: readonly ScenarioNode[],
  note: (line: string) => void,
): Promise<SandboxNode[]> {
  const nodes = await Promise.all(
    members.map(async ({ code, name, authority }) => {
      // Another program may take it before the node does; then the node says so and the sandbox stops.
      const port = await freePort();
      const node = { code, dir: join(dir, code.toLowerCase()) };
      await initNode({
        code,
        dir: node.dir,
        name,
        authority,
        endpoint: `wss://127.0.0.1:${port}/federation`,
        listen: { host: '127.0.0.1', port },
        origin: `${code.toLowerCase()}.sandbox.example`,
        passphrase: undefined,
      });
      note(`made ${code} in ${node.dir}: keys, certificate authority, store, ledger`);
      return node;
    }),
  );
  const council = join(dir, 'council');
  await createCouncil(council, { keys: 1, threshold: 1 }, systemClock);
  for (const node of nodes) await enrolMember(council, await readFile(nodePaths(node.dir).enrolment, 'utf8'));
  const manifest = await signDraft(council);
  const verified = verifyManifest(manifest, { selfSigned: true });
  if (!verified.ok)
    throw new CliError('CLI_NODE_FAILED', `The federation’s own manifest does not verify: ${verified.detail}.`);
  const fingerprint = fingerprintOf(verified.value);
  for (const node of nodes) await installManifest(node.dir, manifest, fingerprint);
  note(`the council signed the federation manifest: fingerprint ${fingerprint.slice(0, 16)}…`);
  return nodes;
}
