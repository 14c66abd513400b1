import { dirname, join } from 'node:path';
import { equalBytes, replaceFileUnsynced, type Files } from '../base/mod.ts';
import { LedgerError } from './error.ts';
import { TILE_WIDTH, tilePath, tilesOfTree, type TileId } from './tile.ts';

/** A state of the ledger that can be written out as files. */
export interface Snapshot {
  readonly size: number;
  /** The signed checkpoint. */
  readonly note: string;
}

/** What a publisher is made of. */
export interface PublisherOptions {
  readonly folder: string;
  /** Where the bytes of a tile or entry bundle come from. */
  readonly source: (tile: TileId) => Promise<Uint8Array>;
  /** Told of files that could not be written, and of files that somebody had changed. */
  readonly onError: (error: unknown) => void;
  readonly files: Files;
}

// World-readable on purpose: a ledger holds no case content and is there to be checked.
const FILE_MODE = 0o644;
// A busy ledger would otherwise rewrite its partial tiles after every batch.
const MIN_INTERVAL_MS = 1_000;

/**
 * Writes the ledger as tlog-tiles files. May lag behind the store, never ahead of it: tiles first, then the checkpoint that covers them.
 * Writing again what is there changes nothing. Nothing waits for the disk: the store has all of it, and a start compares every file with it.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  /** That are there: to ask for each file anew takes as long as to write it. */
  readonly #folders = new Set<string>();
  #published = -1;
  #wanted: Snapshot | undefined;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Asks for a state to be published soon; a newer one replaces it. */
  publish(snapshot: Snapshot): void {
    if (this.#isClosed) return;
    this.#wanted = snapshot;
    this.#timer ??= setTimeout(() => void this.flush().catch(this.#options.onError), MIN_INTERVAL_MS);
  }

  /** Publishes what was asked for, now. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running?.catch(() => undefined);
    this.#running ??= this.#write().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** Publishes what was asked for. Nothing is written after, whatever is asked for: somebody may have moved the folder. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
  }

  /** The same without publishing what was asked for. */
  async abandon(): Promise<void> {
    this.#isClosed = true;
    this.#wanted = undefined;
    clearTimeout(this.#timer);
    await this.#running?.catch(() => undefined);
  }

  async #write(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    if (this.#published !== wanted.size) {
      for (const tile of this.#published < 0 ? tilesOfTree(wanted.size) : tilesSince(this.#published, wanted.size))
        await this.#writeTile(tile);
    }
    await this.#replace(join(this.#options.folder, 'checkpoint'), wanted.note);
    this.#published = wanted.size;
    if (this.#wanted === wanted) this.#wanted = undefined;
  }

  async #writeTile(tile: TileId): Promise<void> {
    const { folder, files, source } = this.#options;
    const path = join(folder, tilePath(tile));
    const isFirst = this.#published < 0;
    // What a start finds is compared; what is new since then is in no file.
    if (isFirst) await this.#writeIfOther(path, tile);
    else await this.#replace(path, await source(tile));
    const partials = `${path}.p`;
    if (tile.width === TILE_WIDTH) {
      if (!isFirst && !this.#folders.delete(partials)) return;
      await files.rm(partials, { recursive: true, force: true });
    } else if (isFirst) await this.#checkNarrower(dirname(path), tile);
  }

  /** Earlier widths of a partial tile stay for those who read an earlier checkpoint, and are compared like the rest when a node starts. */
  async #checkNarrower(folder: string, tile: TileId): Promise<void> {
    const names = await this.#options.files.readdir(folder);
    for (const width of names.filter((name) => /^[1-9][0-9]{0,2}$/.test(name)).map(Number))
      if (width < tile.width) await this.#writeIfOther(join(folder, String(width)), { ...tile, width });
  }

  async #writeIfOther(path: string, tile: TileId): Promise<void> {
    const { source, files, onError } = this.#options;
    const bytes = await source(tile);
    const isAsItWas = await files.holds(path, bytes);
    if (isAsItWas === true) {
      this.#folders.add(dirname(path));
      return;
    }
    // A tile of one width never changes: what is otherwise than the tree says was changed by something else, unless a power cut has left
    // only its beginning on disk.
    if (isAsItWas === false && !isBeginning(await files.readFile(path), bytes))
      onError(new LedgerError('LEDGER_CORRUPT', `${path} was changed on disk; it is written again.`));
    await this.#replace(path, bytes);
  }

  async #replace(path: string, bytes: Uint8Array | string): Promise<void> {
    const { files, onError } = this.#options;
    const folder = dirname(path);
    if (this.#folders.has(folder)) {
      try {
        await replaceFileUnsynced(path, bytes, FILE_MODE, files);
        return;
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== 'ENOENT') throw error;
        // Somebody has removed the folder: what else was in it is written when the node starts again.
        onError(error);
      }
    }
    await files.mkdir(folder, { recursive: true });
    this.#folders.add(folder);
    await replaceFileUnsynced(path, bytes, FILE_MODE, files);
  }
}

function isBeginning(part: Uint8Array, whole: Uint8Array): boolean {
  return part.length < whole.length && equalBytes(part, whole.subarray(0, part.length));
}

/** The tiles that a larger tree has and the smaller one does not. */
function tilesSince(smaller: number, larger: number): TileId[] {
  const tiles: TileId[] = [];
  let [before, after] = [smaller, larger];
  const add = (level: number | 'entries'): void => {
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < after; index++) {
      const width = Math.min(TILE_WIDTH, after - index * TILE_WIDTH);
      if (index * TILE_WIDTH + width > before) tiles.push({ level, index, width });
    }
  };
  add('entries');
  for (let level = 0; after > 0; level++) {
    add(level);
    before = Math.floor(before / TILE_WIDTH);
    after = Math.floor(after / TILE_WIDTH);
  }
  return tiles;
}
