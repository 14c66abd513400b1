/** A ledger that is published again while somebody reads it. */
import { renameSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { request } from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodePaths } from '../../src/config/mod.ts';
import { LedgerServer } from '../../src/transport/ledger-server.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { readPrivateKeys } from '../kit/keys.ts';

/** As soon as anyone has looked at how long a file is, another stands in its place. */
function publishAfterEachLook(publish: () => void): void {
  const { stat, open } = fs;
  const after =
    <Args extends unknown[], T>(look: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      const found = await look(...args);
      publish();
      return found;
    };
  fs.stat = after(stat as (path: string) => ReturnType<typeof stat>) as typeof stat;
  fs.open = async (...args: Parameters<typeof open>) => {
    const file = await open(...args);
    file.stat = after(file.stat.bind(file) as () => ReturnType<typeof file.stat>) as typeof file.stat;
    return file;
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    Object.assign(fs, { stat, open });
    syncBuiltinESMExports();
  });
}

test.each([
  ['longer', 'short\n', 'longer than that\n'],
  ['shorter', 'longer than that\n', 'short\n'],
])('a checkpoint that a %s one replaces is sent whole', async (_how, before, after) => {
  const federation = await copyTestFederation(['XA']);
  const { tls, certificates } = readPrivateKeys(nodePaths(federation.dirOf('XA')).keys);
  const key = tls.export({ type: 'pkcs8', format: 'pem' }) as string;
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'checkpoint'), before);
  const server = await LedgerServer.open({ host: '127.0.0.1', port: 0, cert: certificates.tls, key, folder });
  onTestFinished(() => server.close());
  publishAfterEachLook(() => {
    writeFileSync(join(folder, 'next'), after);
    renameSync(join(folder, 'next'), join(folder, 'checkpoint'));
  });
  const body = await new Promise<string>((resolve, reject) => {
    const url = `https://127.0.0.1:${server.port}/ledger/checkpoint`;
    const asked = request(url, { agent: false, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('error', reject).on('end', () => {
        resolve(text);
      });
    });
    asked.on('error', reject).end();
  });
  expect([before, after]).toContain(body);
});
