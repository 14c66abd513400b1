/** What one version of the manifest changes in another, for the people who are to sign it. */
import { isoTime } from '../base/mod.ts';
import type { Manifest } from './manifest.ts';

/** One difference. */
export interface ManifestChange {
  /** Where, with members by code and keys by name: `members.XB.sign.<kid>.revoked_at`. */
  readonly path: string;
  readonly change: 'ADDED' | 'REMOVED' | 'CHANGED';
  readonly before?: unknown;
  readonly after?: unknown;
  /** What a signer has to know before agreeing. */
  readonly warning?: string;
  /** The whole of it in one line. */
  readonly text: string;
}

/** Every difference, in the order of the document: nothing that would be signed is left out. */
export function diffManifests(before: Manifest, after: Manifest): ManifestChange[] {
  const changes: ManifestChange[] = [];
  compare(before, after, [], changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: readonly string[], changes: ManifestChange[]): void {
  // Each of the keys in a new list is a difference of its own.
  const [a, b] = [
    membersOf(before === undefined && Array.isArray(after) ? [] : before),
    membersOf(after === undefined && Array.isArray(before) ? [] : after),
  ];
  if (a === undefined || b === undefined) {
    if (JSON.stringify(before) !== JSON.stringify(after)) changes.push(changeAt(path, before, after));
    return;
  }
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    if (name === 'vkey' && isSucceeded(before as NoteKeys, after as NoteKeys)) {
      if (a.get(name) !== b.get(name)) changes.push(changeAt([...path, 'newest'], a.get(name), b.get(name)));
    } else compare(a.get(name), b.get(name), [...path, name], changes);
  }
}

interface NoteKeys {
  readonly vkey: string;
  readonly keys?: readonly { readonly vkey: string }[];
}

/** Whether the key of before stays listed beside the newest of a ledger or witness. */
function isSucceeded(before: NoteKeys, after: NoteKeys): boolean {
  return after.keys?.some(({ vkey }) => vkey === before.vkey) ?? false;
}

/** The members of an object, or the elements of a list by what names them. */
function membersOf(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) return new Map(value.map((item: unknown, i) => [nameOf(item) ?? String(i), item]));
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}

function nameOf(item: unknown): string | undefined {
  const { code, kid, sha256, vkey } = item as Readonly<Partial<Record<'code' | 'kid' | 'sha256' | 'vkey', string>>>;
  return code ?? kid ?? sha256 ?? vkey;
}

function changeAt(path: readonly string[], before: unknown, after: unknown): ManifestChange {
  const change = before === undefined ? 'ADDED' : after === undefined ? 'REMOVED' : 'CHANGED';
  const warning = warningFor(path, change, before, after);
  const where = path.join(' ');
  const shown = `${show(path, before)} → ${show(path, after)}`;
  const what =
    change === 'CHANGED' ? `${where}: ${shown}` : `${where}: ${change.toLowerCase()} ${show(path, after ?? before)}`;
  return {
    path: path.join('.'),
    change,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(warning === undefined ? {} : { warning }),
    text: warning === undefined ? what : `${what}  (!) ${warning}`,
  };
}

function warningFor(
  path: readonly string[],
  change: ManifestChange['change'],
  before: unknown,
  after: unknown,
): string | undefined {
  const [part] = path;
  const field = path.at(-1);
  if (part === 'members' && change === 'REMOVED' && field === 'revoked_at') return 'a revocation is taken back';
  if (path.includes('minimums') && Number(suiteOf(after) ?? 1) < Number(suiteOf(before) ?? 1))
    return 'a weaker seal will do';
  if (path.includes('minimums')) return undefined;
  if (part === 'members' && change === 'REMOVED') return 'auditors need it listed';
  if (part === 'members' && (field === 'origin' || field === 'vkey')) return 'another ledger or witness';
  if (field === 'threshold') return after! < before! ? 'fewer signatures will do' : undefined;
  if (path.length === 1 && field === 'version' && Number(after) !== Number(before) + 1) return 'not the next version';
  return undefined;
}

/** The suite in a member’s minimums, or the value itself. */
function suiteOf(value: unknown): unknown {
  return (value as { readonly suite?: number } | undefined)?.suite ?? value;
}

function show(path: readonly string[], value: unknown): string {
  if (value === undefined) return '–';
  const isTime = /_at$|^not_/.test(path.at(-1) ?? '');
  if (typeof value === 'number' && isTime) return isoTime(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const { name, endpoint, not_after: end } = value as { name?: string; endpoint?: string; not_after?: number };
  const about = [name, endpoint, end === undefined ? undefined : `until ${isoTime(end)}`];
  return about.filter((text) => text !== undefined).join(', ');
}
