/**
 * Which witnesses an auditor asks for, in C2SP's tlog-policy format:
 *
 *     log <vkey>                       a ledger that the policy is about; without one, every ledger
 *     witness <name> <vkey>            a witness, under a name of the policy's own
 *     group <name> <k|any|all> <member>…   holds when so many of its members do
 *     quorum <name|none>               what a checkpoint needs
 *
 * @see C2SP tlog-policy
 */
import {
  KEY_TYPES,
  encodeVerifierKey,
  epochKeysOf,
  epochOf,
  parseVerifierKey,
  verifyCheckpoint,
  type Checkpoint,
  type KeyType,
  type VerifierKey,
} from '../ledger/mod.ts';
import { AuditError } from './error.ts';
import type { WitnessedSize } from './cosigned.ts';

interface Group {
  readonly threshold: number;
  readonly members: readonly string[];
}

/** A policy, ready to be asked. */
export class WitnessPolicy {
  readonly #logs: readonly VerifierKey[];
  readonly #witnesses: ReadonlyMap<string, VerifierKey>;
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #quorum: string;

  constructor(parts: {
    readonly logs: readonly VerifierKey[];
    readonly witnesses: ReadonlyMap<string, VerifierKey>;
    readonly groups: ReadonlyMap<string, Group>;
    readonly quorum: string;
  }) {
    this.#logs = parts.logs;
    this.#witnesses = parts.witnesses;
    this.#groups = parts.groups;
    this.#quorum = parts.quorum;
  }

  /** Whether the policy is about a ledger, in whichever epoch. */
  isAbout(origin: string): boolean {
    return this.#logs.length === 0 || this.#logs.some(({ name }) => epochOf(origin, name) !== undefined);
  }

  /** Whether a checkpoint is by a key that the policy names for its ledger: a name alone can be anybody's. */
  isOfNamedKey({ note }: Checkpoint): boolean {
    if (this.#logs.length === 0) return true;
    return this.#logs.some((log) => {
      const named = epochKeysOf(note, [log]);
      return named !== undefined && verifyCheckpoint(note, named.keys).ok;
    });
  }

  /** Whether any witness has to vouch. */
  get asksForWitnesses(): boolean {
    return !this.#holds(this.#quorum, new Set());
  }

  /**
   * The largest size of a ledger for which the quorum vouches: whoever cosigned a larger tree vouches for the smaller ones it continues.
   * @returns undefined when it vouches for none
   */
  witnessedSize(cosignatures: readonly WitnessedSize[]): number | undefined {
    const sizes = [...new Set(cosignatures.map(({ size }) => size))].sort((a, b) => b - a);
    return sizes.find((size) => {
      const vouching = new Set(cosignatures.filter((item) => item.size >= size).map(({ vkey }) => vkey));
      return this.#holds(this.#quorum, vouching);
    });
  }

  /** @param vouching verifier keys: the bundle's own manifests say who else has the name of a witness */
  #holds(name: string, vouching: ReadonlySet<string>): boolean {
    if (name === 'none') return true;
    const witness = this.#witnesses.get(name);
    if (witness !== undefined) return vouching.has(encodeVerifierKey(witness));
    const { threshold, members } = this.#groups.get(name)!;
    return members.filter((member) => this.#holds(member, vouching)).length >= threshold;
  }
}

/** @throws {AuditError} AUDIT_POLICY_MALFORMED, naming the line */
export function parsePolicy(text: string): WitnessPolicy {
  const logs: VerifierKey[] = [];
  const witnesses = new Map<string, VerifierKey>();
  const groups = new Map<string, Group>();
  let quorum: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const malformed = (what: string): AuditError =>
      new AuditError('AUDIT_POLICY_MALFORMED', `Line ${index + 1} of the policy: ${what}.`);
    const [keyword = '', ...words] = line
      .replace(/^\s*#.*$/, '')
      .trim()
      .split(/\s+/);
    const isKnown = (name: string): boolean => witnesses.has(name) || groups.has(name);
    const parseKey = (vkey: string | undefined, type: KeyType): VerifierKey => {
      let key: VerifierKey;
      try {
        key = parseVerifierKey(vkey ?? '');
      } catch {
        throw malformed('not a verifier key');
      }
      if (key.type !== type) throw malformed('a verifier key of another type');
      return key;
    };
    switch (keyword) {
      case '':
        break;
      case 'log':
        logs.push(parseKey(words[0], KEY_TYPES.ed25519));
        break;
      case 'witness': {
        const [name, vkey] = words;
        if (name === undefined || name === 'none' || isKnown(name))
          throw malformed('a witness needs a name of its own');
        witnesses.set(name, parseKey(vkey, KEY_TYPES.cosignature));
        break;
      }
      case 'group': {
        const [name, count, ...members] = words;
        if (name === undefined || name === 'none' || isKnown(name)) throw malformed('a group needs a name of its own');
        if (members.length === 0 || !members.every(isKnown) || new Set(members).size !== members.length) {
          throw malformed('the members of a group are defined before it, and once each');
        }
        const threshold = count === 'any' ? 1 : count === 'all' ? members.length : countIn(count);
        if (threshold < 1 || threshold > members.length) throw malformed('not a number of members');
        groups.set(name, { threshold, members });
        break;
      }
      case 'quorum':
        if (quorum !== undefined || words.length !== 1 || !(words[0] === 'none' || isKnown(words[0]!)))
          throw malformed('one quorum, defined before');
        quorum = words[0]!;
        break;
      default:
        throw malformed(`“${keyword}” is not a keyword`);
    }
  }
  if (quorum === undefined) throw new AuditError('AUDIT_POLICY_MALFORMED', 'The policy has no quorum.');
  return new WitnessPolicy({ logs, witnesses, groups, quorum });
}

/** A number as a policy writes it; 0 for anything else. */
function countIn(text = ''): number {
  return /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : 0;
}
