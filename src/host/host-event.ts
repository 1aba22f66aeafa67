import { plainText } from "../base/plain-text.ts";
import type { OperationEvent } from "../operations/types.ts";

/** Characters of `detail`. */
const MOST_DETAIL = 300;

/** What a request that asked for events is told while it is worked on, always before its answer. */
export interface HostEvent {
  readonly v: 1;
  readonly request_id: string | number;
  readonly event: OperationEvent;
}

/** Where the events of one request go, until it is answered. */
export interface RequestEvents {
  readonly tell: (event: OperationEvent) => void;
  /** From now on nothing is told: work that was given up may go on for a moment. */
  readonly end: () => void;
}

/** Makes events short and plain, and says whose they are. */
export function requestEvents(
  request_id: string | number,
  onEvent: (event: HostEvent) => void,
): RequestEvents {
  let ended = false;
  return {
    tell(event) {
      if (!ended) onEvent({ v: 1, request_id, event: shortened(event) });
    },
    end() {
      ended = true;
    },
  };
}

function shortened({ detail, ...event }: OperationEvent): OperationEvent {
  if (detail === undefined || detail === "") return event;
  // cut twice: before, so that a long text costs nothing, and after, because signs made visible are longer
  const plain = plainText(detail.slice(0, MOST_DETAIL + 1));
  return { ...event, detail: plain.length > MOST_DETAIL ? `${plain.slice(0, MOST_DETAIL - 1)}…` : plain };
}
