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

export function readHead(res: HttpResponse, req: HttpRequest): RequestHead {
  return {
    remoteAddress: addressText(res),
    forwardedFor: req.getHeader('x-forwarded-for'),
    contentType: req.getHeader('content-type'),
    userAgent: req.getHeader('user-agent'),
    purpose:
      req.getHeader('sec-purpose') +
      req.getHeader('purpose') +
      req.getHeader('x-purpose') +
      req.getHeader('x-moz'),
    doNotTrack: req.getHeader('dnt'),
    globalPrivacyControl: req.getHeader('sec-gpc'),
  };
}
