import type { JurisdictionCode } from '../../src/base/mod.ts';
import { encodeArchive, parseArchive } from '../../src/audit/archive.ts';
import { encodeIndex, indexOf } from '../../src/audit/bundle.ts';

/** Rebuilds a bundle with other files, its index made to fit: what somebody would do who has the tool and not the keys. */
export function rebuildBundle(bytes: Uint8Array, change: (files: Map<string, Uint8Array>) => void): Uint8Array {
  const files = new Map(parseArchive(bytes));
  const index = JSON.parse(Buffer.from(files.get('bundle.json')!).toString()) as {
    readonly code: JurisdictionCode;
    readonly origin: string;
    readonly size: number;
  };
  files.delete('bundle.json');
  change(files);
  files.set('bundle.json', encodeIndex(indexOf(index.code, index.origin, index.size, files)));
  return encodeArchive(files);
}
