/** The part of the doctor that looks at ports and peers. */
import { createServer } from 'node:net';
import type { Clock, JurisdictionCode } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { probePeer, type Probe } from '../transport/mod.ts';
import { clientTlsOptions, type Manifest, type Member, type TlsKey } from '../trust/mod.ts';
import type { Diagnosis, RunningNode } from './doctor.ts';
import type { PresentedCertificate } from './expiry.ts';

/** Whether the addresses to listen on can be had, or are had by the node. */
export async function checkPorts(config: NodeConfig, runningOn: number | undefined): Promise<Diagnosis[]> {
  const { listen, ledgerListen, metricsListen } = config;
  const wanted = [
    { name: 'listen', of: 'peers', address: listen },
    { name: 'ledger_listen', of: 'the ledger over HTTPS', address: ledgerListen },
    { name: 'metrics_listen', of: 'metrics', address: metricsListen },
  ].flatMap(({ address, ...rest }) => (address === undefined ? [] : [{ ...rest, ...address }]));
  if (runningOn !== undefined) {
    const text = ({ host, port, of, name }: (typeof wanted)[number]): string =>
      `listens on ${host}:${name === 'listen' ? runningOn : port} for ${of}`;
    const texts = wanted.map(text);
    if (listen === undefined) texts.unshift('listens nowhere for peers: it dials out');
    return texts.map((each): Diagnosis => ({ check: 'ports', level: 'ok', text: each }));
  }
  return Promise.all(
    wanted.map(async ({ host, port, of, name }): Promise<Diagnosis> => {
      const fault = await bindFault(host, port);
      if (fault === undefined) return { check: 'ports', level: 'ok', text: `${host}:${port} is free, for ${of}` };
      const advice =
        fault === 'EADDRINUSE'
          ? `Another program listens there: stop it, or change “${name}” in node.json.`
          : `Change “${name}” in node.json, or allow this user to listen there (a port below 1024 needs CAP_NET_BIND_SERVICE).`;
      return {
        check: 'ports',
        level: 'fail',
        text: `${host}:${port} cannot be listened on for ${of} (${fault})`,
        advice,
      };
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

/** Dials every active member that has an endpoint, as the node would, up to the peer’s Hello. */
export async function checkPeers(
  config: NodeConfig,
  manifest: Manifest,
  tls: TlsKey,
  running: RunningNode | undefined,
  clock: Clock,
): Promise<{ readonly diagnoses: readonly Diagnosis[]; readonly presented: readonly PresentedCertificate[] }> {
  const others = manifest.members.filter(({ code, status }) => code !== config.code && status === 'ACTIVE');
  const results = await Promise.all(
    others.map(async (member) => {
      const link = running?.peers.find(({ code }) => code === member.code);
      if (member.endpoint === '') return { diagnosis: diallingOut(member.code, link?.connected), presented: [] };
      const options = clientTlsOptions(
        tls,
        () => manifest,
        member.code,
        () => clock.nowMs(),
      );
      const { certificate, ...probe } = await probePeer(member.endpoint, options);
      return {
        diagnosis: reached(member, probe, manifest.version, link),
        presented: certificate === undefined ? [] : [{ owner: member.code, certificate }],
      };
    }),
  );
  return {
    diagnoses: results.map(({ diagnosis }) => diagnosis),
    presented: results.flatMap(({ presented }) => presented),
  };
}

function diallingOut(code: JurisdictionCode, connected: boolean | undefined): Diagnosis {
  const text = connected === true ? `${code} is connected` : `${code} dials out, and is not connected`;
  return { check: 'peers', level: connected === true ? 'ok' : 'note', text };
}

function reached(
  { code, endpoint }: Member,
  { fault, manifestVersion }: Probe,
  own: number,
  link: RunningNode['peers'][number] | undefined,
): Diagnosis {
  if (link?.connected === true) return { check: 'peers', level: 'ok', text: `${code} is connected` };
  if (fault !== undefined) {
    const text = `${code} is not reached at ${endpoint} (${fault})`;
    return { check: 'peers', level: 'warn', text, advice: adviceFor(code, fault) };
  }
  if (manifestVersion !== undefined && manifestVersion > own) {
    const text = `${code} answers at ${endpoint}, and has version ${manifestVersion} of the manifest, this node ${own}`;
    const advice =
      'Peers pass a newer manifest on; if it does not come, take it from the council: “rogatory federation publish”.';
    return { check: 'peers', level: 'warn', text, advice };
  }
  const failed = link?.last_failure === undefined ? '' : `; the last session ended with ${link.last_failure}`;
  const behind = manifestVersion === own ? '' : `, and has version ${manifestVersion} of the manifest so far`;
  const level = link === undefined ? 'ok' : 'note';
  return { check: 'peers', level, text: `${code} answers at ${endpoint}${behind}${failed}` };
}

function adviceFor(code: JurisdictionCode, fault: string): string {
  // The codes of the manifest’s own check, and those of OpenSSL’s: UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_HAS_EXPIRED and their like.
  if (/CERT|UNABLE_TO_|SIGNATURE/.test(fault))
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
    case 'HTTP_403':
      return `${code} does not accept this node’s certificate: its manifest has another one, or has this node suspended. Compare versions with ${code}.`;
    default:
      return `The handshake fails: perhaps ${code} has another manifest, or something stands between that is no node.`;
  }
}
