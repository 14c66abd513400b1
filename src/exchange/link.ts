import type { JurisdictionCode } from '../base/mod.ts';
import type { Frame, Limits } from '../wire/mod.ts';
import type { CloseReason } from './close-code.ts';

/** A session with a peer after both Hellos agreed, as the exchange sees it. The transport implements it. */
export interface PeerLink {
  readonly peer: JurisdictionCode;
  /** What the peer accepts, from its Hello. */
  readonly limits: Limits;
  /** Sends one frame; resolves when the peer has taken enough of what was sent before, or the session is over. */
  send(frame: Frame): Promise<void>;
  close(reason: CloseReason): void;
}

/** What the exchange does with a session. The transport calls it. */
export interface LinkHandler {
  /** Takes one frame; frames of a session are given one after another, without waiting. Never throws. */
  onFrame(frame: Frame): void;
  onClose(): void;
}
