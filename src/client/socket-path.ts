import { relative } from 'node:path';
import { ApiError } from './error.ts';

// sun_path of Linux holds 108 bytes with its terminator; macOS 104.
const MAX_BYTES = 103;

/**
 * The path to open a Unix socket under: the shorter of the absolute and the relative one.
 * @throws {ApiError} API_SOCKET_PATH_TOO_LONG
 */
export function socketPath(absolute: string): string {
  const near = relative(process.cwd(), absolute);
  const path = Buffer.byteLength(near) < Buffer.byteLength(absolute) ? near : absolute;
  if (Buffer.byteLength(path) > MAX_BYTES) {
    throw new ApiError(
      'API_SOCKET_PATH_TOO_LONG',
      `${absolute} is too long for a Unix socket (${MAX_BYTES} bytes): use a shorter directory.`,
    );
  }
  return path;
}
