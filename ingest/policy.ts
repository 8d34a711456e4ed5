/** Which requests are acknowledged and not counted: a literal list, first match wins. */
import type { DropReason } from '../contract/outcome.ts';

export interface RequestTraits {
  isBot: boolean;
  /** `Sec-Purpose`, `Purpose`, `X-Purpose` and `X-Moz`, joined. */
  purpose: string;
  /** Headers `DNT` and `Sec-GPC`. */
  doNotTrack: string;
  globalPrivacyControl: string;
}

interface Policy {
  reason: DropReason;
  applies(request: RequestTraits): boolean;
  /** Only while `RESPECT_DNT` is true. */
  bySignal?: true;
}

const POLICIES: readonly Policy[] = [
  { reason: 'bot', applies: (request) => request.isBot },
  { reason: 'prefetch', applies: (request) => /prefetch|preview|prerender/i.test(request.purpose) },
  { reason: 'do_not_track', applies: (request) => request.doNotTrack === '1', bySignal: true },
  {
    reason: 'global_privacy_control',
    applies: (request) => request.globalPrivacyControl === '1',
    bySignal: true,
  },
];

export function dropReason(request: RequestTraits, respectSignals: boolean): DropReason | undefined {
  return POLICIES.find((policy) => (respectSignals || !policy.bySignal) && policy.applies(request))?.reason;
}
