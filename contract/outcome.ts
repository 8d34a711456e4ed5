/** Every way a beacon can end. The union is closed: a name that is not here is never counted, answered or logged. */

/** Refused: nothing of the request is taken, the sender is told why. Value: HTTP status. */
export const REJECT_STATUS = {
  malformed_json: 400,
  invalid_beacon: 400,
  invalid_batch: 400,
  body_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  log_unavailable: 503,
  overloaded: 503,
  salt_unavailable: 503,
} as const;
export type RejectReason = keyof typeof REJECT_STATUS;
export const REJECT_REASONS = Object.keys(REJECT_STATUS) as RejectReason[];

/** Taken and, by a policy, not counted: answered 202. */
export const DROP_REASONS = ['bot', 'prefetch', 'do_not_track', 'global_privacy_control'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/**
 * Set aside by the pipeline after it was acknowledged: a repeat within the window, a line nobody can read, or an event of somebody whose
 * data was erased, received before that.
 */
export const SET_ASIDE_REASONS = ['duplicate', 'undecodable', 'erased'] as const;
export type SetAsideReason = (typeof SET_ASIDE_REASONS)[number];

/** Response header that says what became of the beacons: `accepted`, or a reason. */
export const OUTCOME_HEADER = 'X-Footfall';

/** Body of every answer that is not 2xx, of the collector and of the query API. */
export interface ErrorBody {
  error: string;
  message: string;
  field?: string;
  /** Place of the offending beacon in the array that was sent. */
  index?: number;
  rule?: string;
}
