/** Memory from which a disk can be written, and into which it can be read, without the page cache between. */

/** What is used of it; the types of Node do not have it. @see WebAssembly JavaScript Interface §5.3 */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => {
    readonly buffer: ArrayBuffer;
  };
};

/** Where a file and memory are read and written directly, both begin at a multiple of this; no disk asks for more. */
export const PAGE_BYTES = 4096;
const WASM_PAGE_BYTES = 64 * 1024;

/** A few blocks of one length that begin at a page; memory is taken for those that are used. */
export class AlignedBlocks {
  readonly #blockBytes: number;
  readonly #count: number;
  #idle: Uint8Array[] | undefined;

  /** @param blockBytes a multiple of 4096 @param count how many there are at most */
  constructor(blockBytes: number, count: number) {
    this.#blockBytes = blockBytes;
    this.#count = count;
  }

  /** A block until it is given back; undefined when all are taken, or this process may not have such memory. */
  take(): Uint8Array | undefined {
    this.#idle ??= this.#all();
    return this.#idle.pop();
  }

  give(block: Uint8Array): void {
    this.#idle!.push(block);
  }

  /** WebAssembly's memory begins at a page, and nothing else that a script can ask for does. */
  #all(): Uint8Array[] {
    const pages = Math.ceil((this.#count * this.#blockBytes) / WASM_PAGE_BYTES);
    let buffer: ArrayBuffer;
    try {
      ({ buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages }));
    } catch {
      // It sets gigabytes of addresses aside, which a process can be denied.
      return [];
    }
    return Array.from(
      { length: this.#count },
      (_, i) => new Uint8Array(buffer, i * this.#blockBytes, this.#blockBytes),
    );
  }
}
