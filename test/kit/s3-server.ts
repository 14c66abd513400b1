/** A server that speaks S3, on this machine, with an empty bucket. */
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import S3rver, { type Middleware } from 's3rver';
import { onTestFinished } from 'vitest';
import type { S3Key, S3Place } from '../../src/evidence/mod.ts';
import { temporaryFolder } from './folder.ts';

/** The only key that the server knows. */
export const S3_KEY: S3Key = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

/** What the server lacks of unfinished uploads, over its own files: telling of them, and giving one up. */
function uploadsIn(folder: string): Middleware {
  return async (context, next) => {
    const { method, path, query } = context;
    const id = query['uploadId'];
    if (method === 'DELETE' && id !== undefined) {
      rmSync(join(folder, id), { recursive: true });
      context.status = 204;
    } else if (method === 'GET' && /^\/evidence\/?$/.test(path) && 'uploads' in query) {
      const listed = existsSync(folder) ? readdirSync(folder) : [];
      const uploads = listed
        .map((name) => [readFileSync(join(folder, name, 'key'), 'utf8'), name] as const)
        .filter(([key]) => key.startsWith(query['prefix'] ?? ''))
        .map(([key, name]) => `<Upload><Key>${key}</Key><UploadId>${name}</UploadId></Upload>`);
      context.type = 'application/xml';
      context.body =
        '<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>evidence</Bucket>' +
        `<IsTruncated>false</IsTruncated>${uploads.join('')}</ListMultipartUploadsResult>`;
    } else {
      await next();
    }
  };
}

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
  server.middleware.unshift(uploadsIn(join(directory, 'evidence', '._S3rver_uploads')));
  const { port } = await server.run();
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= server.close());
  onTestFinished(stop);
  const endpoint = `http://127.0.0.1:${port}`;
  const place = { endpoint, region: 'us-east-1', bucket: 'evidence', prefix: 'xa/', pathStyle: true };
  return { place, port, directory, stop };
}
