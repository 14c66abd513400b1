import { open, mkdir, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

let counter = 0;

/**
 * Replaces a file so that after a crash it is the old one or the new one, whole.
 * @param mode permissions of the new file
 */
export async function replaceFile(path: string, bytes: Uint8Array | string, mode: number): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.${counter++}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  // The rename itself is only durable once the folder is.
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
