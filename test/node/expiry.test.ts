/** What ends is told of in the log, the metrics, `status`, `peers` and by the exit status of `doctor`; once at each of the warnings. */
import { writeFileSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import { peers, runningState } from '../../src/api/node-routes.ts';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { ExpiryWatch } from '../../src/node/expiry-watch.ts';
import { amendDraft, diagnose, healthOf, signDraft, type Ending, type Log, type Node } from '../../src/node/mod.ts';
import type { Manifest } from '../../src/trust/mod.ts';
import { runCommand } from '../kit/command.ts';
import { copyTestFederation, freePort, startNode, type TestFederation } from '../kit/federation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const DAY_MS = 24 * 3_600_000;

interface LoggedLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

function recorder(): { readonly log: Log; readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  return { lines, log: (level, event, fields) => lines.push({ level, event, ...fields }) };
}

/** The council lists XB’s signing key with little left of it. */
async function decree(federation: TestFederation, node: Node, keyDays: number): Promise<void> {
  await amendDraft(federation.council, (draft: Manifest, nowMs: number) => ({
    ...draft,
    members: draft.members.map((member) =>
      member.code === XB
        ? {
            ...member,
            sign: member.sign.map((key) => ({
              ...key,
              not_before: nowMs - 400 * DAY_MS,
              not_after: nowMs + keyDays * DAY_MS,
            })),
          }
        : member,
    ),
  }));
  expect(await node.exchange.takeManifest(await signDraft(federation.council))).toMatchObject({ ok: true });
  node.transport.manifestChanged();
}

async function gauge(port: number, name: string): Promise<readonly string[]> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith(name));
}

/** What the doctor makes of what ends, and with it of its exit status. */
async function doctorLevels(node: Node): Promise<string[]> {
  const diagnoses = await diagnose(node.config.paths.dir, undefined, await runningState(node));
  return diagnoses.filter(({ check }) => check === 'expiry').map(({ level }) => level);
}

test('a key of a peer, at each of the warnings, wherever an operator looks', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const port = await freePort();
  const path = nodePaths(federation.dirOf(XA)).config;
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...config, metrics_listen: { port } }));
  const { log, lines } = recorder();
  const a = await startNode(federation, XA, { log });
  await startNode(federation, XB);
  const expiryLines = (): LoggedLine[] => lines.filter(({ event }) => event.startsWith('expiry.'));

  expect(expiryLines()).toEqual([]);
  expect(await gauge(port, 'rogatory_expiring{')).toEqual(
    [60, 30, 7, 1, 0].map((days) => `rogatory_expiring{days="${days}"} 0`),
  );
  expect((await peers(a))[0]!.expiring).toEqual([]);
  expect(await doctorLevels(a)).toEqual(['ok']);

  let version = 1;
  for (const [keyDays, within, severity] of [
    [59.5, 60, 'WARNING KEY_EXPIRES_SOON'],
    [29.5, 30, 'WARNING KEY_EXPIRES_SOON'],
    [6.5, 7, 'WARNING KEY_EXPIRES_SOON'],
    [0.5, 1, 'WARNING KEY_EXPIRES_SOON'],
    [-0.5, 0, 'WARNING KEY_EXPIRED'],
  ] as const) {
    lines.length = 0;
    await decree(federation, a, keyDays);
    version++;
    const daysLeft = Math.floor(keyDays);
    expect(expiryLines(), `${keyDays} days`).toEqual([
      expect.objectContaining({
        level: within === 0 ? 'error' : 'warn',
        event: within === 0 ? 'expiry.ended' : 'expiry.ends_soon',
        what: 'sign key',
        owner: XB,
        days_left: daysLeft,
        ...(within === 0 ? {} : { within_days: within }),
      }),
    ]);
    const due = (days: number): number => (within <= days ? 1 : 0);
    expect(await gauge(port, 'rogatory_expiring{')).toEqual(
      [60, 30, 7, 1, 0].map((days) => `rogatory_expiring{days="${days}"} ${due(days)}`),
    );
    expect(await gauge(port, 'rogatory_days_left{owner="XB",what="sign key"}')).toEqual([
      `rogatory_days_left{owner="XB",what="sign key"} ${daysLeft}`,
    ]);
    const { findings } = await healthOf(a);
    const expiring = findings.filter(({ code }) => code.includes('EXPIRE'));
    expect(expiring.map((finding) => `${finding.severity} ${finding.code}`)).toEqual([severity]);
    expect((await peers(a))[0]!.expiring).toMatchObject([{ what: 'sign key', within_days: within }]);
    expect(await doctorLevels(a)).toEqual([within > 7 ? 'warn' : 'fail']);
  }
  expect(a.exchange.manifest.version).toBe(version);

  const api = await ApiServer.open(a);
  onTestFinished(() => api.close());
  expect((await runCommand('doctor', '--node', federation.dirOf(XA))).status).toBe(1);
}, 240_000);

test('the log hears of each warning once, and again at the next', () => {
  const { log, lines } = recorder();
  let warning: Ending['warning'];
  const watch = new ExpiryWatch(
    () => [{ what: 'manifest', owner: '', name: 'version 1', endsAt: 0, daysLeft: 3, warning }],
    log,
  );
  onTestFinished(() => {
    watch.stop();
  });
  for (const due of [undefined, 60, 60, 30, 30, 7, 1, 1, 0, 0] as const) {
    warning = due;
    watch.look();
  }
  expect(lines.map(({ event, within_days: days }) => [event, days])).toEqual([
    ['expiry.ends_soon', 60],
    ['expiry.ends_soon', 30],
    ['expiry.ends_soon', 7],
    ['expiry.ends_soon', 1],
    ['expiry.ended', undefined],
  ]);
});
