import { codeOf, RogatoryError, systemClock } from '../../base/mod.ts';
import { ApiServer, type StatusAnswer } from '../../api/mod.ts';
import { ApiClient } from '../../client/mod.ts';
import { loadNodeConfig, loadObjectStoreKey } from '../../config/mod.ts';
import { Node, createLog } from '../../node/mod.ts';
import { StoreError } from '../../store/mod.ts';
import type { Command } from '../command.ts';
import { failpointFrom, storeShareFrom } from '../failpoint.ts';
import { PASSPHRASE_FD, passphraseFor } from '../passphrase.ts';

// A shutdown that hangs must not keep a service manager waiting.
const STOP_TIMEOUT_MS = 10_000;
// Nor must a node that is stuck keep the one that is refused beside it.
const ASK_TIMEOUT_MS = 3_000;

export const serve: Command = {
  name: 'serve',
  summary: 'run a node in the foreground; SIGTERM or Ctrl-C drains and stops it',
  options: { config: { value: 'D/node.json', help: 'the node’s configuration', required: true }, ...PASSPHRASE_FD },
  details:
    'Logs one line of JSON an event on stderr. Exits 0 after a clean stop, 1 when it cannot start or must recover from disk.',
  async run(args, io) {
    args.noOperands();
    const config = loadNodeConfig(args.text('config'), process.env);
    const log = createLog(config.logLevel, systemClock, (line) => process.stderr.write(line));
    const onFatal = (error: unknown): void => {
      const detail = error instanceof RogatoryError ? error.message : String(error);
      log('error', 'node.failed', { code: codeOf(error), detail });
      // Nothing in memory may be believed now. What was acknowledged is on disk, and the next start verifies it.
      process.exit(1);
    };
    process.on('uncaughtException', onFatal);
    // Whoever read the log is gone: peers are served all the same.
    process.stderr.on('error', () => undefined);
    const failpoint = failpointFrom(process.env, () => process.kill(process.pid, 'SIGKILL'));
    const passphrase = await passphraseFor(config.paths.dir, args, io);
    const node = await Node.start({
      config,
      passphrase,
      objectStoreKey: loadObjectStoreKey(process.env),
      log,
      onFatal,
      failpoint,
      storeShare: storeShareFrom(process.env),
    }).catch(async (error: unknown) => {
      throw await namingWhoServes(config.paths.dir, error);
    });
    const api = await ApiServer.open(node).catch(async (error: unknown) => {
      // Nobody could ask this node anything; nor would its process end by itself.
      await node.stop();
      throw error;
    });
    const stopped = untilAskedToStop();
    const { ledgerServer, metricsServer, transport } = node;
    const ports = { port: transport.port, ledger_port: ledgerServer?.port, metrics_port: metricsServer?.port };
    io.result({ ok: true, code: config.code, ...ports, pid: process.pid }, [
      `Node ${config.code} is running${config.listen === undefined ? '' : ` on ${config.listen.host}:${transport.port}`} (process ${process.pid}). Ctrl-C stops it.`,
      ...(ledgerServer === undefined
        ? []
        : [`Its ledger is served at https://${config.ledgerListen!.host}:${ledgerServer.port}/ledger/checkpoint.`]),
      ...(metricsServer === undefined
        ? []
        : [`Its metrics are at http://${config.metricsListen!.host}:${metricsServer.port}/metrics.`]),
    ]);
    process.send?.({ started: true });
    await stopped;
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    await api.close();
    await node.stop();
    // An open channel would keep the process.
    if (process.connected) process.disconnect();
    return 0;
  },
};

/** A store that is in use is most likely that of a node that runs: which process it is, an operator has to know. */
async function namingWhoServes(dir: string, error: unknown): Promise<unknown> {
  if (!(error instanceof StoreError) || error.code !== 'STORE_LOCKED') return error;
  try {
    const {
      code,
      pid,
      started_at: since,
    } = await new ApiClient(dir).get<StatusAnswer>('status', AbortSignal.timeout(ASK_TIMEOUT_MS));
    return new StoreError(
      'STORE_LOCKED',
      `${error.message} It is process ${pid}, which serves ${code} since ${since}.`,
      {
        cause: error,
      },
    );
  } catch {
    return error;
  }
}

function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => {
        resolve();
      });
    // Started by a sandbox: when that is gone, however it ended, there is nobody left to stop this node.
    process.on('disconnect', () => {
      resolve();
    });
    if (process.send !== undefined && !process.connected) resolve();
  });
}
