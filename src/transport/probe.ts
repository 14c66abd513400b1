/** Reaching a peer as a node would, up to its Hello, and no further: for an operator who asks whether it would work. */
import { WebSocket } from 'ws';
import type { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { certificatesOf } from '../trust/mod.ts';
import { parseFrame } from '../wire/mod.ts';
import { SUBPROTOCOL, WEBSOCKET_LIMITS } from './wire-options.ts';

/** What came of it. */
export interface Probe {
  /** Why it was not reached: what the network said, `TIMEOUT`, or `HTTP_<status>` of a peer that declines. */
  readonly fault?: string;
  /** The certificate that the peer presents. */
  readonly certificate?: X509Certificate;
  /** The manifest that the peer has in force. */
  readonly manifestVersion?: number;
}

const TIMEOUT_MS = 5_000;

/**
 * Dials a peer.
 * @param tls as for a session: who does not show the certificate that is expected is not spoken to
 */
export function probePeer(endpoint: string, tls: ConnectionOptions): Promise<Probe> {
  return new Promise((resolve) => {
    const socket = new WebSocket(endpoint, SUBPROTOCOL, {
      ...WEBSOCKET_LIMITS,
      ...tls,
      handshakeTimeout: TIMEOUT_MS,
      followRedirects: false,
    });
    let certificate: X509Certificate | undefined;
    const end = (probe: Probe): void => {
      clearTimeout(timer);
      resolve({ ...(certificate === undefined ? {} : { certificate }), ...probe });
      socket.terminate();
    };
    const timer = setTimeout(() => {
      end({ fault: 'TIMEOUT' });
    }, TIMEOUT_MS);
    socket.on('error', (error: Error & { code?: string }) => {
      end({ fault: error.code ?? error.message.split(':')[0]! });
    });
    socket.once('unexpected-response', (_request, response) => {
      end({ fault: `HTTP_${response.statusCode}` });
    });
    socket.once('upgrade', (response) => {
      certificate = certificatesOf((response.socket as TLSSocket).getPeerCertificate())[0];
    });
    socket.once('message', (data: Buffer) => {
      end(manifestVersionIn(data));
    });
    socket.once('close', (code) => {
      end({ fault: `CLOSED_${code}` });
    });
  });
}

function manifestVersionIn(data: Uint8Array): Probe {
  try {
    const frame = parseFrame(data);
    return frame.type === 'hello' ? { manifestVersion: frame.value.manifest_version } : { fault: 'NO_HELLO' };
  } catch {
    return { fault: 'NO_HELLO' };
  }
}
