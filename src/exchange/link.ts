import type { JurisdictionCode } from '../base/mod.ts';
import type { Frame, Limits } from '../wire/mod.ts';
import type { CloseReason } from './close-code.ts';

/** A session with a peer after both Hellos agreed, as the exchange sees it. The transport implements it. */
export interface PeerLink {
  readonly peer: JurisdictionCode;
  /** What the peer accepts, from its Hello. */
  readonly limits: Limits;
  /** Sends one frame; resolves when there is room for another, or the session is over. For what can wait. */
  send(frame: Frame): Promise<void>;
  /** Sends one frame at once: an answer, which nothing may hold up, because the peer may be waiting for it before it reads on. */
  answer(frame: Frame): void;
  /**
   * Sends one frame of many, encoded already, behind `FRAME_ROOM_BYTES` that are free; resolves when it has left for the network, so that
   * other frames may go before the next one. Until then the bytes must not change, but the link may change them.
   */
  sendBulk(encoded: Uint8Array): Promise<void>;
  close(reason: CloseReason): void;
}

/** What the exchange does with a session. The transport calls it. */
export interface LinkHandler {
  /**
   * Takes one frame; frames of a session are given one after another, without waiting. Never rejects. Resolves when nothing of the frame
   * is kept any more: the transport reads on as long as little is.
   */
  onFrame(frame: Frame): Promise<void>;
  onClose(): void;
}
