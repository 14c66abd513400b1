/** A node in this process with its local interface, and people at it. */
import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { ApiServer } from '../../src/api/mod.ts';
import { ApiClient } from '../../src/client/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import type { Node, NodeOptions } from '../../src/node/mod.ts';
import {
  encodeCredential,
  generateStaffKey,
  parseCredential,
  type Credential,
  type Registration,
  type Role,
  type SignedStatement,
} from '../../src/credential/mod.ts';
import { startNode, type TestFederation } from './federation.ts';

const YEAR_MS = 365 * 24 * 3_600_000;

/** A node and its people. */
export class Office {
  readonly node: Node;
  readonly dir: string;
  readonly people = new Map<string, Credential>();

  private constructor(node: Node, dir: string) {
    this.node = node;
    this.dir = dir;
  }

  /** Opens a node's office; it closes when the test ends. */
  static async open(federation: TestFederation, code: string, options: Partial<NodeOptions> = {}): Promise<Office> {
    const node = await startNode(federation, code, options);
    const server = await ApiServer.open(node);
    onTestFinished(() => server.close());
    return new Office(node, federation.dirOf(code));
  }

  /** Registers somebody, the first by the operator and the others by the registrar. */
  async add(person: string, roles: readonly Role[], more: Partial<Registration> = {}): Promise<Credential> {
    const key = generateStaffKey();
    const asked = {
      person,
      name: `The ${person}`,
      roles,
      clearance: 'ASSIGNED',
      expires_at: this.node.clock.nowMs() + YEAR_MS,
      x: key.x,
      ...more,
    };
    const signed = await this.as('registrar').post<SignedStatement>('staff', asked);
    const credential = parseCredential(encodeCredential(signed, key));
    this.people.set(person, credential);
    return credential;
  }

  /** One person for each role of the office, and a second drafter who approves as well. */
  async staff(): Promise<this> {
    await this.add('registrar', ['REGISTRAR']);
    const others: readonly (readonly [string, readonly Role[]])[] = [
      ['drafter', ['DRAFTER']],
      ['approver', ['APPROVER']],
      ['reviewer', ['REVIEWER']],
      ['executor', ['EXECUTOR']],
      ['auditor', ['AUDITOR']],
      ['both', ['DRAFTER', 'APPROVER']],
    ];
    await Promise.all(others.map(([person, roles]) => this.add(person, roles)));
    return this;
  }

  /** The node as somebody sees it; as its operator while they are not registered. */
  as(person: string | Credential): ApiClient {
    return new ApiClient(this.dir, typeof person === 'string' ? this.people.get(person) : person);
  }

  /** A request with a header of one's own making. */
  raw(method: string, path: string, authorization: string, body = ''): Promise<{ readonly error?: { code: string } }> {
    const { controlSocket } = nodePaths(this.dir);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath: controlSocket, method, path, headers: { authorization }, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as { error?: { code: string } });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  async challenge(): Promise<string> {
    return (await new ApiClient(this.dir).post<{ readonly challenge: string }>('challenge', {})).challenge;
  }
}

/** The error code that something fails with. */
export async function codeOfFailure(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
  return 'nothing failed';
}
