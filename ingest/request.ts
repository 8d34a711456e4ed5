/** What a handler needs of a request, read while the request object lives. */
import { addressText, type HttpRequest, type HttpResponse } from './uws.ts';

export interface RequestHead {
  /** The peer of the connection: a browser, or the nearest proxy. */
  remoteAddress: string;
  forwardedFor: string;
  contentType: string;
  userAgent: string;
  purpose: string;
  doNotTrack: string;
  globalPrivacyControl: string;
}

/** As bytes: of a text the engine would make some for every call. */
const NAMES = {
  forwardedFor: Buffer.from('x-forwarded-for'),
  contentType: Buffer.from('content-type'),
  userAgent: Buffer.from('user-agent'),
  secPurpose: Buffer.from('sec-purpose'),
  purpose: Buffer.from('purpose'),
  xPurpose: Buffer.from('x-purpose'),
  xMoz: Buffer.from('x-moz'),
  doNotTrack: Buffer.from('dnt'),
  globalPrivacyControl: Buffer.from('sec-gpc'),
};

export function readHead(res: HttpResponse, req: HttpRequest): RequestHead {
  return {
    remoteAddress: addressText(res),
    forwardedFor: req.getHeader(NAMES.forwardedFor),
    contentType: req.getHeader(NAMES.contentType),
    userAgent: req.getHeader(NAMES.userAgent),
    purpose:
      req.getHeader(NAMES.secPurpose) +
      req.getHeader(NAMES.purpose) +
      req.getHeader(NAMES.xPurpose) +
      req.getHeader(NAMES.xMoz),
    doNotTrack: req.getHeader(NAMES.doNotTrack),
    globalPrivacyControl: req.getHeader(NAMES.globalPrivacyControl),
  };
}
