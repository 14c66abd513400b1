/** A ledger that is published again while somebody reads it. */
import { renameSync, writeFileSync } from 'node:fs';
import type * as FsPromises from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { nodePaths } from '../../src/config/mod.ts';
import { LedgerServer } from '../../src/transport/ledger-server.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { readPrivateKeys } from '../kit/keys.ts';

const publisher = vi.hoisted(() => ({ publish: (): void => undefined }));

// As soon as anyone has looked at how long a file is, another stands in its place.
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof FsPromises>();
  return {
    ...fs,
    stat: async (path: string) => {
      const found = await fs.stat(path);
      publisher.publish();
      return found;
    },
    open: async (...args: Parameters<typeof fs.open>) => {
      const file = await fs.open(...args);
      const stat = file.stat.bind(file);
      file.stat = (async () => {
        const found = await stat();
        publisher.publish();
        return found;
      }) as typeof file.stat;
      return file;
    },
  };
});

test.each([
  ['longer', 'short\n', 'longer than that\n'],
  ['shorter', 'longer than that\n', 'short\n'],
])('a checkpoint that a %s one replaces is sent whole', async (_how, before, after) => {
  const federation = await copyTestFederation(['XA']);
  const { tls, certificates } = readPrivateKeys(nodePaths(federation.dirOf('XA')).keys);
  const key = tls.export({ type: 'pkcs8', format: 'pem' }) as string;
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'checkpoint'), before);
  publisher.publish = () => {
    writeFileSync(join(folder, 'next'), after);
    renameSync(join(folder, 'next'), join(folder, 'checkpoint'));
  };
  const server = await LedgerServer.open({ host: '127.0.0.1', port: 0, cert: certificates.tls, key, folder });
  onTestFinished(() => server.close());
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
