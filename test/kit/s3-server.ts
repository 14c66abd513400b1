/** A server that speaks S3, on this machine, with an empty bucket. */
import S3rver from 's3rver';
import { onTestFinished } from 'vitest';
import type { S3Key, S3Place } from '../../src/evidence/mod.ts';
import { temporaryFolder } from './folder.ts';

/** The only key that the server knows. */
export const S3_KEY: S3Key = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

/** Starts a server; it stops when the test ends. Its state is in a folder, so that another can go on where it stopped. */
export async function startS3(at: { readonly port?: number; readonly directory?: string } = {}): Promise<{
  readonly place: S3Place;
  readonly port: number;
  readonly directory: string;
  readonly stop: () => Promise<void>;
}> {
  const directory = at.directory ?? temporaryFolder();
  const server = new S3rver({
    port: at.port ?? 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: 'evidence' }],
  });
  const { port } = await server.run();
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= server.close());
  onTestFinished(stop);
  const endpoint = `http://127.0.0.1:${port}`;
  const place = { endpoint, region: 'us-east-1', bucket: 'evidence', prefix: 'xa/', pathStyle: true };
  return { place, port, directory, stop };
}
