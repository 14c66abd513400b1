import { ApiClient, ApiError } from '../../api/mod.ts';
import { exportBundle } from '../../audit/mod.ts';
import { loadNodeConfig, loadPassphrase, nodePaths } from '../../config/mod.ts';
import { bundleSource, openNodeStorage } from '../../node/mod.ts';
import type { Command } from '../command.ts';
import { writeOutput } from '../files.ts';

export const auditExport: Command = {
  name: 'audit export',
  summary: 'put a node’s ledger, manifests and proofs into one file for auditors; the node may be running or stopped',
  options: {
    node: { value: 'D', help: 'the node’s folder', required: true },
    output: { value: 'A.zip', short: 'o', help: 'where to write the bundle', required: true },
  },
  details: 'A bundle holds no case content, no names and no case references.',
  async run(args, io) {
    args.noOperands();
    const [dir, output] = [args.text('node'), args.text('output')];
    const bytes = (await fromRunning(dir)) ?? (await fromStopped(dir, io.note));
    await writeOutput(output, bytes);
    io.result({ ok: true, output, bytes: bytes.length }, [
      `Wrote ${output} (${bytes.length} bytes).`,
      `Next: “rogatory audit verify ${output}”, with the other side’s bundle if you have it.`,
    ]);
    return 0;
  },
};

async function fromRunning(dir: string): Promise<Uint8Array | undefined> {
  try {
    return await new ApiClient(dir).getBytes('bundle');
  } catch (error) {
    if (error instanceof ApiError && error.code === 'API_NODE_NOT_RUNNING') return undefined;
    throw error;
  }
}

async function fromStopped(dir: string, note: (line: string) => void): Promise<Uint8Array> {
  const config = loadNodeConfig(nodePaths(dir).config, process.env);
  const storage = await openNodeStorage(config, loadPassphrase(process.env));
  try {
    const source = await bundleSource(config.code, storage);
    return await exportBundle(source, (done, total) => {
      if (total > 10_000 && done % 10_240 === 0) note(`${done} of ${total} entries`);
    });
  } finally {
    await storage.close();
  }
}
