/** One visit: the beacons that its pages send, in order, and in which requests. */
import type { Beacon, BeaconType } from '../../contract/beacon.ts';
import { type Random, uuid } from './chance.ts';
import { anyPage, landing, type Page, place } from './site.ts';
import type { Platform, Visitor } from './visitors.ts';

const MEAN_FURTHER_VIEWS = 2;
const SHARE_OF_HEARTBEATS = 0.4;
const SHARE_SIGNING_IN = 0.4;
const SHARE_LEAVING = 0.7;
const SHARE_SIGNED_IN_FROM_THE_START = 0.3;
const SHARE_IN_A_COMMUNITY = 0.8;
/** Beacons that a page could not send at once go together with the next ones. */
const SHARE_HELD_BACK = 0.1;

/** The beacons of each request, in order. */
export function requestsOf(visitor: Visitor, platform: Platform, random: Random): Beacon[][] {
  const requests: Beacon[][] = [];
  let held: Beacon[] = [];
  for (const beacon of beaconsOf(visitor, platform, random)) {
    held.push(beacon);
    if (random() < SHARE_HELD_BACK) continue;
    requests.push(held);
    held = [];
  }
  return held.length === 0 ? requests : [...requests, held];
}

function beaconsOf(visitor: Visitor, platform: Platform, random: Random): Beacon[] {
  const sessionId = uuid(random);
  const communityId = random() < SHARE_IN_A_COMMUNITY ? place(platform.communities, random()) : undefined;
  let userId = random() < SHARE_SIGNED_IN_FROM_THE_START ? visitor.userId : undefined;
  const beacon = (type: BeaconType, { url, title }: Page, referrer: string): Beacon => ({
    type,
    url,
    title,
    referrer,
    fingerprint: visitor.fingerprint,
    session_id: sessionId,
    language: visitor.language,
    screen: visitor.screen,
    event_id: uuid(random),
    ...(userId === undefined ? {} : { user_id: userId }),
    ...(communityId === undefined ? {} : { community_id: communityId }),
    ...(visitor.divisionId === undefined ? {} : { division_id: visitor.divisionId }),
  });

  const first = landing(random);
  const beacons = [beacon('page_view', first, first.referrer)];
  if (visitor.isBot) return beacons;
  let page: Page = first;
  for (let further = furtherViews(random); ; further--) {
    if (random() < SHARE_OF_HEARTBEATS) beacons.push(beacon('heartbeat', page, ''));
    if (userId === undefined && visitor.userId !== undefined && random() < SHARE_SIGNING_IN) {
      userId = visitor.userId;
      beacons.push(beacon('identify', page, ''));
    }
    if (further === 0) break;
    const from = page.url;
    page = anyPage(random);
    beacons.push(beacon('page_view', page, from));
  }
  if (random() < SHARE_LEAVING) beacons.push(beacon('leave', page, ''));
  return beacons;
}

/** Most read one page or two, a few many. */
function furtherViews(random: Random): number {
  return Math.min(20, Math.floor(-Math.log(1 - random()) * MEAN_FURTHER_VIEWS));
}
