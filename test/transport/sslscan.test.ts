/** T01: what a node offers to whoever asks, by Debian’s sslscan: TLS 1.3 and nothing else, on both of its ports. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nodePaths } from '../../src/config/mod.ts';
import { copyTestFederation, freePort, startNode } from '../kit/federation.ts';

const isRequired = process.env['ROGATORY_SSLSCAN'] === 'require';
const isThere = spawnSync('sslscan', ['--version'], { stdio: 'ignore' }).status === 0;
if (!isThere) process.stderr.write('skipped: the scan of what TLS is offered needs Debian’s sslscan\n');

function scan(port: number): Promise<string> {
  const child = spawn('sslscan', ['--no-colour', '--xml=-', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      resolve(output);
    });
  });
}

describe.runIf(isThere || isRequired)('sslscan', () => {
  test('T01: TLS 1.3 only, no compression, no renegotiation', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const path = nodePaths(federation.dirOf('XA')).config;
    const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...config, ledger_listen: { host: '127.0.0.1', port: await freePort() } }));
    const node = await startNode(federation, 'XA');
    for (const port of [node.transport.port, node.ledgerServer!.port]) {
      const report = await scan(port);
      const enabled = [...report.matchAll(/<protocol type="(\w+)" version="([\d.]+)" enabled="1"/g)];
      expect(enabled.map(([, type, version]) => `${type} ${version}`)).toEqual(['tls 1.3']);
      const suites = [...report.matchAll(/<cipher status="\w+" sslversion="([^"]+)"[^>]* cipher="([^"]+)"/g)];
      expect(suites.length).toBeGreaterThan(0);
      expect(suites.filter(([, version]) => version !== 'TLSv1.3')).toEqual([]);
      expect(suites.map(([, , cipher]) => cipher).filter((cipher) => !/^TLS_(AES|CHACHA20)_/.test(cipher!))).toEqual(
        [],
      );
      expect(report).not.toContain('<compression supported="1"');
      expect(report).toContain('<renegotiation supported="0"');
      expect(report).not.toMatch(/<heartbleed[^>]* vulnerable="1"/);
    }
  }, 120_000);
});
