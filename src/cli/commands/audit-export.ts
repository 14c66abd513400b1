import { shellWord } from '../../base/mod.ts';
import { ApiError, type ApiClient } from '../../client/mod.ts';
import { loadNodeConfig, nodePaths } from '../../config/mod.ts';
import { bundleOf, openNodeStorage, type BundleRequest } from '../../node/mod.ts';
import { nodeClient } from '../acting.ts';
import { parseId, type Arguments, type Command, type Terminal } from '../command.ts';
import { requireWritableFile, writeStream } from '../files.ts';
import { PASSPHRASE_FD, passphraseFor } from '../passphrase.ts';

export const auditExport: Command = {
  name: 'audit export',
  summary: 'put a node’s ledger, manifests and proofs into one file for auditors; the node may be running or stopped',
  options: {
    node: { value: 'D', help: 'the node’s folder', required: true },
    output: { value: 'A.zip', short: 'o', help: 'where to write the bundle', required: true },
    from: { value: 'INDEX|DATE', help: 'first entry: its index, or a day or time such as 2026-03-31 (UTC)' },
    to: { value: 'INDEX|DATE', help: 'last entry, likewise; a day is taken in whole' },
    peer: { value: 'CC', help: 'only what is about messages with this jurisdiction' },
    disclose: {
      value: 'ID[,ID…]',
      help: 'messages to add as they were signed; the ledger records it before the bundle is made',
    },
    case: { value: 'ID', help: 'only what is about this case, whose id stays out of the bundle' },
    ...PASSPHRASE_FD,
  },
  details:
    'A bundle holds no case content, no names and no case references but for what --disclose adds. A part of a ledger is as verifiable as all of it: its bundle has ' +
    'every hash of the tree, and of the entries those that were chosen. Days bring one entry more at either end, so that their reader ' +
    'sees that none is left out.',
  async run(args, io) {
    args.noOperands();
    const [dir, output] = [args.text('node'), args.text('output')];
    const peer = args.optionalJurisdiction('peer');
    const disclose = (args.optional('disclose')?.split(',') ?? []).map((id) => parseId(id, 'message'));
    const request = {
      from: args.optional('from'),
      to: args.optional('to'),
      peer,
      case: args.optionalId('case'),
      disclose,
    };
    // The ledger says for ever that messages were disclosed.
    if (disclose.length > 0) await requireWritableFile(output);
    const bytes =
      (await fromRunning(nodeClient(args), request, output)) ?? (await fromStopped(dir, request, output, args, io));
    io.result({ ok: true, output, bytes }, [
      `Wrote ${output} (${bytes} bytes).`,
      `Next: “rogatory audit verify ${shellWord(output)}”, with the other side’s bundle if you have it.`,
    ]);
    return 0;
  },
};

async function fromRunning(api: ApiClient, request: BundleRequest, output: string): Promise<number | undefined> {
  let bundle: AsyncIterable<Uint8Array>;
  try {
    bundle = await api.download('bundle', request);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'API_NODE_NOT_RUNNING') return undefined;
    throw error;
  }
  return writeStream(output, bundle);
}

async function fromStopped(
  dir: string,
  request: BundleRequest,
  output: string,
  args: Arguments,
  io: Terminal,
): Promise<number> {
  const config = loadNodeConfig(nodePaths(dir).config, process.env);
  const storage = await openNodeStorage(config, await passphraseFor(dir, args, io));
  try {
    const onProgress = (done: number, total: number): void => {
      if (total > 10_000 && done % 10_240 === 0) io.note(`${done} of ${total} entries`);
    };
    return await writeStream(output, await bundleOf(config.code, storage, request, { onProgress }));
  } finally {
    await storage.close();
  }
}
