/**
 * F02: the power goes. The node's folder is a file system in an image; the image is copied while the node works, without what the kernel
 * has not written yet, and whatever was acknowledged until then is in every copy.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Uuid } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { exchangeKeys, type MessageRecord } from '../../src/exchange/mod.ts';
import { openNodeStorage } from '../../src/node/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, until } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { serveNode } from '../kit/process.ts';
import { CAN_MOUNT } from '../kit/small-disk.ts';

const CUTS = process.env['SLOW'] === '1' ? 20 : 3;
const IMAGE_BYTES = 48 * 1024 * 1024;

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Mounts an image; returns its loop device. */
function mounted(image: string, folder: string): string {
  const device = run('/usr/sbin/losetup', '--find', '--show', image);
  onTestFinished(() => {
    spawnSync('/usr/bin/umount', ['--lazy', folder]);
    spawnSync('/usr/sbin/losetup', ['--detach', device]);
  });
  run('/usr/bin/mount', device, folder);
  return device;
}

/** Copies an image at one moment: again if anything was written to it meanwhile. */
async function snapshot(image: string, device: string, copy: string): Promise<void> {
  const traffic = (): string => readFileSync(`/sys/block/${basename(device)}/stat`, 'utf8');
  let before = '';
  await until(() => {
    before = traffic();
    copyFileSync(image, copy);
    return traffic() === before;
  });
}

test.runIf(CAN_MOUNT)(
  `F02: ${CUTS} power cuts: nothing that was acknowledged is lost`,
  async () => {
    const [federation, folder] = [await copyTestFederation(['XA', 'XB']), temporaryFolder()];
    const [image, dir] = [join(folder, 'image'), federation.dirOf('XB')];
    cpSync(dir, join(folder, 'aside'), { recursive: true });
    writeFileSync(image, '');
    truncateSync(image, IMAGE_BYTES);
    run('/usr/sbin/mkfs.ext4', '-q', image);
    const device = mounted(image, dir);
    cpSync(join(folder, 'aside'), dir, { recursive: true });
    // What is cut is the power of a node that has been set up: its files have reached the disk.
    run('/usr/bin/sync', '-f', dir);

    const nodes = { XA: await serveNode(federation, 'XA'), XB: await serveNode(federation, 'XB') };
    const cuts: { readonly copy: string; readonly acknowledged: Uuid[] }[] = [];
    for (let cut = 0; cut < CUTS; cut++) {
      const send = (): Promise<unknown> =>
        nodes.XA.api.post('messages', { to: 'XB', draft: requestFile(), wait_ms: 0 });
      await Promise.all(Array.from({ length: 20 }, send));
      await new Promise((resolve) => setTimeout(resolve, (cut * 37) % 100));
      const received = async (): Promise<boolean> =>
        (await nodes.XA.api.get<MessageRecord[]>('messages?status=RECEIVED&limit=1')).length > 0;
      await until(received, 60_000);
      nodes.XB.child.kill('SIGSTOP');
      const records = await nodes.XA.api.get<MessageRecord[]>('messages?limit=10000');
      const acknowledged = records.filter(({ status }) => status === 'RECEIVED').map(({ message_id: id }) => id);
      const copy = join(folder, `cut-${cut}`);
      await snapshot(image, device, copy);
      nodes.XB.child.kill('SIGCONT');
      cuts.push({ copy, acknowledged });
    }
    nodes.XB.child.kill('SIGKILL');
    await nodes.XB.outcome;

    for (const { copy, acknowledged } of cuts) {
      const [place, found] = [`${copy}.mnt`, `${copy}.dir`];
      mkdirSync(place);
      mounted(copy, place);
      cpSync(place, found, { recursive: true, filter: (path) => !/lost\+found$|control\.sock$/.test(path) });
      const { store, ledger, close } = await openNodeStorage(loadNodeConfig(nodePaths(found).config, {}), undefined);
      const kept = await store.getMany(acknowledged.map(exchangeKeys.message));
      expect(kept.filter((record) => record === undefined)).toEqual([]);
      expect(ledger.size).toBeGreaterThanOrEqual(acknowledged.length);
      await close();
    }
    expect(cuts.at(-1)!.acknowledged.length).toBeGreaterThan(0);
  },
  300_000,
);
