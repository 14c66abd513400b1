/** How far the files are that are moving now, and how fast: for people who wait. Nothing of it outlives the process. */
import type { Timers } from '../base/mod.ts';

/** A file on its way between this node and one peer. */
export interface TransferProgress {
  /** Bytes of the plaintext that are there. */
  readonly bytes: number;
  /** Over the last seconds; 0 while nothing moves. */
  readonly bytes_per_second: number;
  /** Undefined while nothing moves. */
  readonly seconds_left?: number | undefined;
  /** Why it does not move: the code of what has to be mended here. */
  readonly postponed?: string | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

interface Moving {
  readonly size: number;
  bytes: number;
  lastAtMs: number;
  postponed: string | undefined;
  /** Rates are taken from the older of two samples, so that they always cover some seconds. */
  samples: readonly [Sample, Sample];
}

const SAMPLE_MS = 3000;

/** Every transfer of a node, by peer and file. */
export class Transfers {
  readonly #timers: Pick<Timers, 'monotonicMs'>;
  readonly #moving = new Map<string, Moving>();

  constructor(timers: Pick<Timers, 'monotonicMs'>) {
    this.#timers = timers;
  }

  /** So much of a file is there. The first call begins it. */
  note(peer: string, fileId: string, bytes: number, size: number): void {
    const now = this.#timers.monotonicMs();
    const known = this.#moving.get(keyOf(peer, fileId));
    // Asked for again from an earlier chunk: what was measured before is about other bytes.
    if (known === undefined || bytes < known.bytes || known.postponed !== undefined) {
      const sample = { atMs: now, bytes };
      const begun: Moving = { size, bytes, lastAtMs: now, postponed: undefined, samples: [sample, sample] };
      this.#moving.set(keyOf(peer, fileId), begun);
      return;
    }
    known.bytes = Math.min(bytes, size);
    known.lastAtMs = now;
    if (now - known.samples[1].atMs >= SAMPLE_MS) known.samples = [known.samples[1], { atMs: now, bytes }];
  }

  /** It waits for something that has to be mended at this node. */
  postpone(peer: string, fileId: string, size: number, code: string): void {
    const now = this.#timers.monotonicMs();
    const bytes = this.#moving.get(keyOf(peer, fileId))?.bytes ?? 0;
    const sample = { atMs: now, bytes };
    this.#moving.set(keyOf(peer, fileId), {
      size,
      bytes,
      lastAtMs: now,
      postponed: code,
      samples: [sample, sample],
    });
  }

  end(peer: string, fileId: string): void {
    this.#moving.delete(keyOf(peer, fileId));
  }

  of(peer: string, fileId: string): TransferProgress | undefined {
    const moving = this.#moving.get(keyOf(peer, fileId));
    if (moving === undefined) return undefined;
    const { bytes, size, postponed, samples, lastAtMs } = moving;
    const now = this.#timers.monotonicMs();
    const [since] = samples;
    const isStill = postponed !== undefined || now - lastAtMs > SAMPLE_MS || now <= since.atMs;
    const rate = isStill ? 0 : Math.round(((bytes - since.bytes) / (now - since.atMs)) * 1000);
    return {
      bytes,
      bytes_per_second: rate,
      seconds_left: rate === 0 ? undefined : Math.ceil((size - bytes) / rate),
      postponed,
    };
  }
}

function keyOf(peer: string, fileId: string): string {
  return `${peer}/${fileId}`;
}
