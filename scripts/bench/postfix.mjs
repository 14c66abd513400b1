/** Two Postfix of one's own on loopback, each with its own queue: the first takes mail and hands it to the second over TLS. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makeCertificate } from './certificate.mjs';
import { freePort } from './federation.mjs';

const DAEMONS = '/usr/lib/postfix/sbin';
const SERVICES = [
  'pickup unix n - n 60 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'proxymap unix - - n - - proxymap',
  'smtp unix - - n - - smtp',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'virtual unix - n n - - virtual',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
  'postlog unix-dgram n - n - 1 postlogd',
];

/** Why Postfix cannot be measured here; undefined when it can. */
export function postfixObjection() {
  if (!existsSync(join(DAEMONS, 'master'))) return 'postfix is not installed (Debian: apt-get install postfix)';
  return process.getuid() === 0 ? undefined : 'postfix can only be started by root';
}

/**
 * Starts both.
 * @returns ports, and how many messages have arrived
 */
export async function openPostfix(folder, from, to) {
  // Postfix's own user has to get into its queues.
  for (const path of [dirname(folder), folder]) chmodSync(path, 0o711);
  const [portFrom, portTo] = [await freePort(), await freePort()];
  const mail = join(folder, 'mail');
  const owner = statSync('/var/lib/postfix').uid;
  mkdirSync(mail);
  chownSync(mail, owner, owner);
  const { key, cert } = makeCertificate('127.0.0.1', to);
  writeFileSync(join(folder, 'tls.pem'), key + cert, { mode: 0o600 });
  const first = start(join(folder, 'first'), portFrom, owner, [
    `myhostname = ${from}`,
    `relayhost = [127.0.0.1]:${portTo}`,
    'smtp_tls_security_level = encrypt',
    'default_destination_concurrency_limit = 50',
    'initial_destination_concurrency = 20',
  ]);
  const second = start(join(folder, 'second'), portTo, owner, [
    `myhostname = ${to}`,
    `virtual_mailbox_domains = ${to}`,
    `virtual_mailbox_base = ${mail}`,
    'virtual_mailbox_maps = static:inbox/',
    `virtual_minimum_uid = 1`,
    `virtual_uid_maps = static:${owner}`,
    `virtual_gid_maps = static:${owner}`,
    'virtual_destination_concurrency_limit = 50',
    'smtpd_tls_security_level = encrypt',
    `smtpd_tls_chain_files = ${join(folder, 'tls.pem')}`,
  ]);
  const arrivals = join(mail, 'inbox', 'new');
  return {
    port: portFrom,
    arrived: () => (existsSync(arrivals) ? readdirSync(arrivals).length : 0),
    close: () => {
      for (const config of [first, second]) spawnSync('postfix', ['-c', config, 'abort'], { stdio: 'ignore' });
    },
  };
}

function start(folder, port, owner, settings) {
  const [config, data] = [join(folder, 'config'), join(folder, 'data')];
  for (const path of [config, data, join(folder, 'queue')]) mkdirSync(path, { recursive: true });
  chownSync(data, owner, owner);
  const common = [
    'compatibility_level = 3.6',
    `queue_directory = ${join(folder, 'queue')}`,
    `data_directory = ${data}`,
    `maillog_file = ${join(folder, 'mail.log')}`,
    `maillog_file_prefixes = ${folder}`,
    'inet_interfaces = 127.0.0.1',
    'inet_protocols = ipv4',
    'mydestination =',
    'mynetworks = 127.0.0.0/8',
    'alias_maps =',
    'smtpd_peername_lookup = no',
    'smtp_dns_support_level = disabled',
    'smtp_host_lookup = native',
    'local_recipient_maps =',
  ];
  writeFileSync(join(config, 'main.cf'), `${[...common, ...settings].join('\n')}\n`);
  writeFileSync(join(config, 'master.cf'), `${[`127.0.0.1:${port} inet n - n - - smtpd`, ...SERVICES].join('\n')}\n`);
  // The daemon keeps what it inherits: a pipe would never come to its end.
  const { status } = spawnSync('postfix', ['-c', config, 'start'], { stdio: 'ignore' });
  if (status !== 0) throw new Error(`postfix does not start: ${readFileSync(join(folder, 'mail.log'), 'utf8')}`);
  return config;
}

/** Hands messages to a mail server over so many connections at once. */
export async function submit({ port, connections, count, from, to, make }) {
  let left = count;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const say = await connect(port);
      await say(undefined, 220);
      await say(`EHLO ${from}`, 250);
      while (left-- > 0) {
        await say(`MAIL FROM:<desk@${from}>`, 250);
        await say(`RCPT TO:<inbox@${to}>`, 250);
        await say('DATA', 354);
        await say(`${make()}\r\n.`, 250);
      }
      await say('QUIT', 221);
    }),
  );
}

/** A connection as a function that says a line and waits for the answer. */
async function connect(port) {
  const socket = createConnection(port, '127.0.0.1');
  let text = '';
  let wake = () => undefined;
  socket.setEncoding('latin1').on('data', (part) => {
    text += part;
    wake();
  });
  socket.on('error', () => wake());
  return async (line, expected) => {
    if (line !== undefined) socket.write(`${line}\r\n`);
    for (;;) {
      const answer = /^(?:\d{3}-[^\n]*\n)*(\d{3}) [^\n]*\n/.exec(text);
      if (answer !== null) {
        text = text.slice(answer[0].length);
        if (Number(answer[1]) !== expected) throw new Error(`the mail server says ${answer[0].trim()}`);
        return;
      }
      if (socket.destroyed) throw new Error('the mail server hung up');
      await new Promise((resolve) => (wake = resolve));
    }
  };
}

/** Waits until so many messages lie in the second server's mailbox. */
export async function untilArrived(postfix, count) {
  while (postfix.arrived() < count) await wait(5);
}
