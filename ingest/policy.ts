/** Which requests are acknowledged and not counted: a literal list, first match wins. */
import type { DropReason } from '../contract/outcome.ts';

export interface RequestTraits {
  isBot: boolean;
  /** `Sec-Purpose`, `Purpose`, `X-Purpose` and `X-Moz`, joined; empty where it has none of them. */
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
  {
    reason: 'prefetch',
    applies: ({ purpose }) => purpose !== '' && /prefetch|preview|prerender/i.test(purpose),
  },
  { reason: 'do_not_track', applies: (request) => request.doNotTrack === '1', bySignal: true },
  {
    reason: 'global_privacy_control',
    applies: (request) => request.globalPrivacyControl === '1',
    bySignal: true,
  },
];

export function dropPolicy(respectSignals: boolean): (request: RequestTraits) => DropReason | undefined {
  const policies = POLICIES.filter((policy) => respectSignals || !policy.bySignal);
  return (request) => {
    for (const policy of policies) if (policy.applies(request)) return policy.reason;
    return undefined;
  };
}
