/** The command line as a person types it. */
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { newestHead, parseVerifierKey, verifyCheckpoint } from '../../src/ledger/mod.ts';
import { runCommand } from '../kit/command.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { changeConfig, copyTestFederation, freePort, until } from '../kit/federation.ts';
import { rogatory, runCommand as startCommand, serveNode, startRogatory } from '../kit/process.ts';

const REQUEST = 'node-config/messages/request.json';

describe('usage', () => {
  test('the overview, the help of a command, and of a group', async () => {
    const overview = await rogatory('--help');
    expect(overview).toMatchObject({ status: 0 });
    for (const name of ['sandbox', 'init', 'serve', 'message send', 'audit verify', 'why'])
      expect(overview.stdout).toContain(`  ${name} `);
    const help = await rogatory('message', 'send', '--help');
    expect(help).toMatchObject({ status: 0 });
    expect(help.stdout).toContain('--node D');
    expect((await rogatory('audit')).status).toBe(2);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
    expect(await rogatory('--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  test('a machine gets one document whatever is wrong', async () => {
    for (const [word, says] of [
      ['nonsense', '“nonsense”'],
      ['message', '“message”'],
      ['status', '--node D'],
    ] as const) {
      const { status, stdout } = await runCommand(word, '--json');
      expect(status).toBe(2);
      const message = expect.stringContaining(says) as string;
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'CLI_USAGE', message } });
    }
  });

  test.each([
    [['nonsense'], 'unknown command'],
    [['status'], '--node D is required'],
    [['status', '--node', 'x', '--bogus'], 'bogus'],
    [['status', '--node', 'x', 'stray'], 'stray'],
    [['message', 'send', '--node', 'x', '--to', 'italy', 'f.json'], 'jurisdiction code'],
    [['message', 'send', '--node', 'x', '--to', 'IT'], 'exactly one'],
    [['init', '--jurisdiction', 'XA', '--dir', '/nowhere', '--endpoint', 'http://x'], 'wss://'],
    [['audit', 'verify'], 'at least one bundle'],
    [['why', '--node', 'x', 'nonsense'], 'not the id of a message'],
  ])('%j is wrong usage', async (args, words) => {
    const { status, stderr, stdout } = await runCommand(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(words);
  });
});

describe('sandbox', () => {
  test('T22, T24: --once --json: one document, files that anyone can verify, and no content in any of them', async () => {
    const dir = join(temporaryFolder(), 'sandbox');
    const { status, stdout } = await rogatory('sandbox', '--once', '--json', '--dir', dir);
    const outcome = JSON.parse(stdout) as {
      ok: boolean;
      dir: string;
      nodes: {
        code: string;
        dir: string;
        ledger: { origin: string; vkey: string; size: number; root: string };
        witness: { vkey: string };
      }[];
      messages: { type: string; status: string; receipt: { verified: boolean } }[];
      audit: { ok: boolean; findings: unknown[] };
    };
    expect(status).toBe(0);
    expect(outcome).toMatchObject({ ok: true, dir, audit: { ok: true, findings: [] } });
    expect(outcome.messages.map(({ type }) => type)).toEqual([
      'assistance_request',
      'acknowledge_receipt',
      'pre_refusal_consultation',
      'review_decision',
      'execution_started',
      'execution_report',
    ]);
    expect(outcome.messages.every(({ status: state, receipt }) => state === 'RECEIVED' && receipt.verified)).toBe(true);
    expect(outcome.nodes.map(({ code }) => code)).toEqual(['XA', 'XB']);
    for (const { dir: folder, ledger, witness } of outcome.nodes) {
      const note = readFileSync(join(folder, 'ledger', 'checkpoint'), 'utf8');
      expect(verifyCheckpoint(note, parseVerifierKey(ledger.vkey))).toMatchObject({
        ok: true,
        value: { size: ledger.size, origin: ledger.origin },
      });
      expect(note.split('\n')[2]).toBe(ledger.root);
      // Beside the ledger’s own signature the published checkpoint carries those of its witnesses.
      expect(note.startsWith(newestHead(readFileSync(join(folder, 'head')))!.note)).toBe(true);
      expect(parseVerifierKey(witness.vkey).type).toBe(4);
      expect(statSync(join(folder, 'keys')).mode & 0o777).toBe(0o700);
      for (const name of readdirSync(join(folder, 'keys')).filter((file) => /\.(key|json)$/.test(file))) {
        expect(statSync(join(folder, 'keys', name)).mode & 0o777).toBe(0o600);
      }
    }
    expect((await rogatory('audit', 'verify', join(dir, 'audit', 'xa.zip'), join(dir, 'audit', 'xb.zip'))).status).toBe(
      0,
    );
    // No case content outside what is encrypted: not in ledgers, logs, or bundles; not even in the store’s files.
    expect(
      filesUnder(dir).filter((path) => /612,400|Larkmere|Lanskoy|PG-BR/.test(readFileSync(path, 'latin1'))),
    ).toEqual([]);
    expect((await rogatory('sandbox', '--once', '--dir', dir)).stderr).toContain('CLI_FOLDER_NOT_EMPTY');
  });

  test('stays up, answers, and stops everything at Ctrl-C', async () => {
    const dir = join(temporaryFolder(), 's');
    const { child, outcome } = startRogatory('sandbox', '--dir', dir);
    let printed = '';
    child.stdout!.on('data', (data: Buffer) => (printed += data.toString()));
    await until(() => printed.includes('Ctrl-C stops everything'), 120_000);
    expect(printed).toMatch(/holds the receipt of XB for assistance request 1 +XA entry \d+ +verified XB entry \d+/);
    const pids: number[] = [];
    for (const name of ['xa', 'xb']) {
      const { stdout: status } = await runCommand('status', '--json', '--node', join(dir, name));
      pids.push((JSON.parse(status) as { pid: number }).pid);
    }
    child.kill('SIGINT');
    expect((await outcome).status).toBe(0);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  });

  test('a sandbox that is stopped while its nodes start ends, and they with it', async () => {
    const dir = join(temporaryFolder(), 's');
    const { child, outcome } = startRogatory('sandbox', '--once', '--json', '--dir', dir);
    await until(() => existsSync(`${join(dir, 'xa')}.log`), 120_000);
    child.kill('SIGTERM');
    const { status, stdout } = await outcome;
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'CLI_INTERRUPTED' } });
    expect(stdout).toContain(dir);
    for (const name of ['xa', 'xb']) expect((await runCommand('status', '--node', join(dir, name))).status).toBe(1);
  });

  test('where one node does not start, the others do not keep the sandbox', async () => {
    const dir = join(temporaryFolder(), 's');
    // The log of XB cannot be opened.
    const fault = `import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { openSync } = fs;
      fs.openSync = (path, ...more) => {
        if (String(path).endsWith('/xb.log')) throw Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'open', path });
        return openSync(path, ...more);
      };
      syncBuiltinESMExports();`;
    const preload = `--import data:text/javascript,${encodeURIComponent(fault)}`;
    const args = [process.execPath, 'scripts/rogatory', 'sandbox', '--once', '--dir', dir];
    const { outcome, end } = startCommand(args, { NODE_OPTIONS: preload });
    onTestFinished(end);
    const { status, stderr } = await outcome;
    expect(status).toBe(1);
    expect(stderr).toContain('xb.log: permission denied');
    expect((await runCommand('status', '--node', join(dir, 'xa'))).status).toBe(1);
  });

  test('a sandbox that is killed leaves no node behind', async () => {
    const dir = join(temporaryFolder(), 's');
    const { child, outcome } = startRogatory('sandbox', '--dir', dir);
    let printed = '';
    child.stdout!.on('data', (data: Buffer) => (printed += data.toString()));
    await until(() => printed.includes('Ctrl-C stops everything'), 120_000);
    child.kill('SIGKILL');
    await outcome;
    for (const name of ['xa', 'xb'])
      await until(async () => (await runCommand('status', '--node', join(dir, name))).status === 1);
  });
});

describe('two nodes by hand', () => {
  test('as the README tells it', async () => {
    const folder = temporaryFolder();
    const at = (name: string): string => join(folder, name);
    for (const code of ['XA', 'XB']) {
      const args = ['--jurisdiction', code, '--dir', at(code), '--endpoint', `wss://127.0.0.1:${await freePort()}`];
      expect(await rogatory('init', ...args)).toMatchObject({ status: 0 });
      expect((await rogatory('init', ...args)).stderr).toContain('NODE_EXISTS');
    }
    expect((await rogatory('serve', '--config', join(at('XA'), 'node.json'))).stderr).toContain(
      'NODE_MANIFEST_MISSING',
    );
    expect((await rogatory('federation', 'create', '--dir', at('council'))).status).toBe(0);
    const enrolments = ['XA', 'XB'].map((code) => join(at(code), 'enrolment.json'));
    expect((await rogatory('federation', 'add', '--dir', at('council'), ...enrolments)).status).toBe(0);
    const signed = await rogatory('federation', 'sign', '--dir', at('council'), '--json');
    const { manifest, fingerprint } = JSON.parse(signed.stdout) as { manifest: string; fingerprint: string };
    const publish = (code: string, ...more: string[]): ReturnType<typeof rogatory> =>
      rogatory('federation', 'publish', manifest, '--node', at(code), ...more);
    expect((await publish('XA')).stderr).toContain('NODE_MANIFEST_REFUSED');
    expect((await publish('XA', '--fingerprint', fingerprint.replace(/./g, '0'))).stderr).toContain(
      'NODE_MANIFEST_REFUSED',
    );
    for (const code of ['XA', 'XB']) expect((await publish(code, '--fingerprint', fingerprint)).status).toBe(0);
    expect((await rogatory('federation', 'verify', manifest, '--fingerprint', fingerprint)).status).toBe(0);

    const nodes = ['XA', 'XB'].map((code) => startRogatory('serve', '--config', join(at(code), 'node.json')));
    const gone = Promise.race(nodes.map(({ outcome }) => outcome));
    const connected = until(
      async () => (await runCommand('status', '--node', at('XA'))).stdout.includes('connected since'),
      120_000,
    );
    // A node that cannot start says why: better than to wait for it.
    expect(await Promise.race([gone, connected])).toBeUndefined();
    const sent = await rogatory('message', 'send', '--node', at('XA'), '--to', 'XB', REQUEST);
    expect(sent).toMatchObject({ status: 0 });
    expect(sent.stdout).toMatch(
      /receipt {2}RECEIVED: entry \d+ of 127\.0\.0\.1:\d+\/ledger, in a tree of \d+, verified/,
    );
    const show = (lang: string): ReturnType<typeof runCommand> =>
      runCommand('message', 'show', /[0-9a-f-]{36}/.exec(sent.stdout)![0], '--node', at('XB'), '--lang', lang);
    expect((await show('es')).stdout).toContain('solicitud de asistencia judicial (comisión rogatoria)');
    expect((await show('ar')).stdout).toContain('\u2067طلب مساعدة قضائية (إنابة قضائية)\u2069');
    expect((await show('tlh')).status).toBe(2);
    const cases = await rogatory('case', 'list', '--node', at('XB'), '--lang', 'de');
    expect(cases.stdout).toContain('XA → XB  Rechtshilfeersuchen, gesendet');
    for (const { child, outcome } of nodes) {
      child.kill('SIGTERM');
      expect((await outcome).status).toBe(0);
    }
  }, 240_000);
});

describe('messages', () => {
  test('every way in which sending can fail has its own words and status', async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const dir = federation.dirOf('XA');
    const send = (...args: readonly string[]): ReturnType<typeof runCommand> =>
      runCommand('message', 'send', '--node', dir, ...args);
    expect((await send('--to', 'XB', REQUEST)).stderr).toContain('API_NODE_NOT_RUNNING');
    const [ledgerPort, metricsPort] = [await freePort(), await freePort()];
    const places = { ledger_listen: { host: '127.0.0.1', port: ledgerPort }, metrics_listen: { port: metricsPort } };
    changeConfig(federation, 'XA', places);
    const a = await serveNode(federation, 'XA');
    const file = (name: string, content: string): string => {
      const path = join(federation.folder, name);
      writeFileSync(path, content);
      return path;
    };
    const request = JSON.parse(readFileSync(REQUEST, 'utf8')) as { assistance_request: Record<string, unknown> };
    const withFacts = (text: string): string =>
      JSON.stringify({
        assistance_request: {
          ...request.assistance_request,
          facts: {
            lang: 'en',
            text,
            translations: text.length > 10_000 ? Array.from({ length: 9 }, () => ({ lang: 'fr', text })) : [],
          },
        },
      });
    mkdirSync(join(federation.folder, 'folder'));
    const failures: readonly (readonly [readonly string[], string])[] = [
      [['--to', 'XC', REQUEST], 'EXCHANGE_UNKNOWN_RECIPIENT'],
      [['--to', 'XA', REQUEST], 'EXCHANGE_UNKNOWN_RECIPIENT'],
      [['--to', 'XB', join(federation.folder, 'none.json')], 'CLI_FILE_UNREADABLE'],
      [['--to', 'XB', join(federation.folder, 'folder')], 'CLI_FILE_UNREADABLE'],
      [['--to', 'XB', file('text.json', 'not JSON')], 'CLI_NOT_JSON'],
      [['--to', 'XB', file('empty.json', '{}')], 'WIRE_FIELDS_INVALID'],
      [['--to', 'XB', file('huge.json', ' '.repeat(4_000_000))], 'CLI_FILE_UNREADABLE'],
      [['--to', 'XB', file('large.json', withFacts('x'.repeat(65_000)))], 'WIRE_TOO_LARGE'],
    ];
    for (const [args, code] of failures) {
      const { status, stderr } = await send(...args);
      expect(stderr).toContain(code);
      expect(status).toBe(1);
    }
    const faulty = {
      assistance_request: {
        ...request.assistance_request,
        urgency: 'URGENT',
        measures: [{ id: 'm1', type: 'INTERCEPT' }],
        extra: 1,
      },
    };
    const { stderr, stdout } = await send('--to', 'XB', '--json', file('faulty.json', JSON.stringify(faulty)));
    for (const path of [
      'assistance_request.extra',
      'assistance_request.measures[0].description',
      'assistance_request.measures[0].target',
    ]) {
      expect(stderr).toContain(`${path}: `);
    }
    const { error } = JSON.parse(stdout) as { error: { code: string; faults: object[] } };
    expect(error.code).toBe('WIRE_FIELDS_INVALID');
    expect(error.faults).toHaveLength(3);

    // XB has never been started: the message is safe, and the command says that it waits.
    const queued = await send('--to', 'XB', '--wait', '1', '--json', REQUEST);
    const { message, next } = JSON.parse(queued.stdout) as {
      message: { status: string; message_id: string };
      next: string;
    };
    expect({ status: queued.status, message: message.status }).toEqual({ status: 0, message: 'QUEUED' });
    expect(next).toContain('XB is not reached');
    const b = await serveNode(federation, 'XB');
    await until(async () =>
      (await runCommand('why', '--node', dir, message.message_id)).stdout.includes('holds the receipt'),
    );
    const why = (code: string): ReturnType<typeof runCommand> =>
      runCommand('why', '--node', federation.dirOf(code), '--json', message.message_id);
    const timelineAt = async (code: string): Promise<object[]> =>
      (JSON.parse((await why(code)).stdout) as { timeline: object[] }).timeline;
    const own = await timelineAt('XA');
    expect(own.slice(0, 2)).toEqual(await timelineAt('XB'));
    const shown = await runCommand('message', 'show', '--node', federation.dirOf('XB'), message.message_id);
    expect(shown.stdout).toContain('Anna Feld');
    expect(
      (await runCommand('message', 'show', '--node', dir, '019b0000-0000-7000-8000-000000000001')).stderr,
    ).toContain('EXCHANGE_UNKNOWN_MESSAGE');
    const second = await rogatory('serve', '--config', join(dir, 'node.json'));
    expect(second.stderr).toMatch(/STORE_LOCKED: .* open\. It is process \d+, which serves XA since \d{4}-/);
    expect(second.stderr).toContain(`process ${a.child.pid},`);

    // One bundle of a running node, one of a stopped one.
    const bundle = (code: string): string => join(federation.folder, `${code}.zip`);
    expect((await runCommand('audit', 'export', '--node', dir, '-o', bundle('xa'))).status).toBe(0);
    b.child.kill('SIGTERM');
    await b.outcome;
    expect((await runCommand('audit', 'export', '--node', federation.dirOf('XB'), '-o', bundle('xb'))).status).toBe(0);
    expect(await runCommand('audit', 'verify', bundle('xa'), bundle('xb'))).toMatchObject({ status: 0 });
    const bytes = readFileSync(bundle('xa'));
    bytes[5000]! ^= 1;
    writeFileSync(bundle('xa'), bytes);
    const wrong = await runCommand('audit', 'verify', bundle('xa'), bundle('xb'));
    expect(wrong.status).toBe(1);
    expect(wrong.stdout).toMatch(/WRONG {2}BUNDLE_FILE_CHANGED {2}xa\.zip: [a-z0-9/.]+: its bytes or its header/);
    a.child.kill('SIGTERM');
    const ended = await a.outcome;
    expect(ended.status).toBe(0);
    expect(ended.stdout).toContain(`https://127.0.0.1:${ledgerPort}/ledger/checkpoint`);
    expect(ended.stdout).toContain(`http://127.0.0.1:${metricsPort}/metrics`);
    expect(newestHead(readFileSync(join(dir, 'head')))?.size).toBeGreaterThanOrEqual(3);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesUnder(path);
    return entry.isFile() ? [path] : [];
  });
}
