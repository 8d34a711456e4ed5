/** `GET /pixel.gif`: a page view of a page without script, told by the address of an image. */
import { createHmac } from 'node:crypto';
import { Beacon } from '../contract/beacon.ts';

/** The smallest transparent GIF. */
export const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

export interface PixelRequest {
  query: string;
  /** Names the page where the query does not. */
  referer: string;
  address: string;
  userAgent: string;
}

/** The beacon that a pixel's query says, unchecked. Without a fingerprint there is one for the day. */
export function pixelBeacon(request: PixelRequest, secret: string, day: string): Record<string, string> {
  const beacon: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(request.query)) {
    // An image is asked for once: nothing of it can wait and come again.
    if (Object.hasOwn(Beacon.properties, name) && name !== 'late' && value !== '') beacon[name] = value;
  }
  if (beacon.url === undefined && request.referer !== '') beacon.url = request.referer;
  beacon.fingerprint ??= dailyFingerprint(request, secret, day);
  return beacon;
}

function dailyFingerprint({ address, userAgent }: PixelRequest, secret: string, day: string): string {
  const salt = createHmac('sha256', secret).update(`pixel ${day}`).digest();
  return createHmac('sha256', salt).update(`${address}\n${userAgent}`).digest('hex');
}
