/** The part of the doctor that looks at ports and peers. */
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import type { Clock, JurisdictionCode } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { clientTlsOptions, type Manifest, type Member, type TlsKey } from '../trust/mod.ts';
import type { Diagnosis, RunningNode } from './doctor.ts';
import { certificateEnding, type Ending } from './expiry.ts';

const DIAL_TIMEOUT_MS = 5_000;

/** Whether the addresses to listen on can be had, or are had by the node. */
export async function checkPorts(config: NodeConfig, runningOn: number | undefined): Promise<Diagnosis[]> {
  const { listen, ledgerListen } = config;
  if (runningOn !== undefined) {
    const text = listen === undefined ? 'listens nowhere: it dials out' : `listens on ${listen.host}:${runningOn}`;
    return [{ check: 'ports', level: 'ok', text }];
  }
  const wanted = [listen, ledgerListen].filter((address) => address !== undefined);
  return Promise.all(
    wanted.map(async ({ host, port }): Promise<Diagnosis> => {
      const fault = await bindFault(host, port);
      if (fault === undefined) return { check: 'ports', level: 'ok', text: `${host}:${port} is free for the node` };
      const advice =
        fault === 'EADDRINUSE'
          ? 'Another program listens there: stop it, or change node.json.'
          : 'Change “listen” in node.json, or allow this user to listen there (a port below 1024 needs CAP_NET_BIND_SERVICE).';
      return { check: 'ports', level: 'fail', text: `${host}:${port} cannot be listened on (${fault})`, advice };
    }),
  );
}

function bindFault(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: Error & { code?: string }) => {
      resolve(error.code ?? 'failed');
    });
    server.listen(port, host, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

/** Dials every active member that has an endpoint, as the node would, up to the end of the TLS handshake. */
export async function checkPeers(
  config: NodeConfig,
  manifest: Manifest,
  tls: TlsKey,
  running: RunningNode | undefined,
  clock: Clock,
): Promise<{ readonly diagnoses: readonly Diagnosis[]; readonly endings: readonly Ending[] }> {
  const others = manifest.members.filter(({ code, status }) => code !== config.code && status === 'ACTIVE');
  const results = await Promise.all(
    others.map(async (member) => {
      const link = running?.peers.find(({ code }) => code === member.code);
      if (member.endpoint === '') return { diagnosis: diallingOut(member.code, link?.connected), endings: [] };
      const dialled = await dial(member, manifest, tls, clock);
      return {
        diagnosis: reached(member, dialled.fault, link),
        endings: dialled.certificate === undefined ? [] : [dialled.certificate],
      };
    }),
  );
  return { diagnoses: results.map(({ diagnosis }) => diagnosis), endings: results.flatMap(({ endings }) => endings) };
}

function diallingOut(code: JurisdictionCode, connected: boolean | undefined): Diagnosis {
  const text = connected === true ? `${code} is connected` : `${code} dials out, and is not connected`;
  return { check: 'peers', level: connected === true ? 'ok' : 'note', text };
}

function reached(member: Member, fault: string | undefined, link: RunningNode['peers'][number] | undefined): Diagnosis {
  const { code, endpoint } = member;
  if (link?.connected === true) return { check: 'peers', level: 'ok', text: `${code} is connected` };
  if (fault === undefined) {
    const failed = link?.last_failure === undefined ? '' : `; the last session ended with ${link.last_failure}`;
    return {
      check: 'peers',
      level: link === undefined ? 'ok' : 'note',
      text: `${code} answers at ${endpoint}${failed}`,
    };
  }
  return {
    check: 'peers',
    level: 'warn',
    text: `${code} is not reached at ${endpoint} (${fault})`,
    advice: adviceFor(code, fault),
  };
}

function adviceFor(code: JurisdictionCode, fault: string): string {
  if (fault.startsWith('CERTIFICATE_') || fault.includes('CERT'))
    return `What answers there does not show a certificate that the manifest allows for ${code}: ask ${code}, and do not go around it.`;
  switch (fault) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The name cannot be resolved: look at this machine’s DNS, or ask the peer for its address.';
    case 'ECONNREFUSED':
      return `Nothing listens there: ${code}’s node is down, or its firewall refuses.`;
    case 'TIMEOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'No answer: look at this network’s way out and firewall, then ask the peer.';
    default:
      return `The handshake fails: perhaps ${code} has another manifest, in which this node’s certificate is not listed.`;
  }
}

interface Dialled {
  /** Why it was not reached. */
  readonly fault?: string;
  readonly certificate?: Ending;
}

function dial(member: Member, manifest: Manifest, tls: TlsKey, clock: Clock): Promise<Dialled> {
  const { hostname, port } = new URL(member.endpoint);
  const options = clientTlsOptions(
    tls,
    () => manifest,
    member.code,
    () => clock.nowMs(),
  );
  return new Promise((resolve) => {
    const socket = connect({
      ...options,
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? 443 : Number(port),
    });
    const end = (dialled: Dialled): void => {
      socket.destroy();
      resolve(dialled);
    };
    socket.setTimeout(DIAL_TIMEOUT_MS, () => {
      end({ fault: 'TIMEOUT' });
    });
    socket.once('error', (error: Error & { code?: string }) => {
      end({ fault: error.code ?? error.message.split(':')[0]! });
    });
    socket.once('secureConnect', () => {
      const { raw } = socket.getPeerCertificate();
      end({ certificate: certificateEnding('tls certificate', member.code, new X509Certificate(raw), clock.nowMs()) });
    });
  });
}
