/**
 * Who is online now, as the sockets tell it.
 *
 * Connecting, live, or waiting to connect again: growing pauses after each failure, none while the token is known to be
 * over. Messages may come a hundred a second; what is shown changes at most {@link SHOWN_A_SECOND} times.
 */
import { useEffect, useState } from 'react';
import type { ServerMessage } from '../../contract/socket.ts';
import { SOCKET_SUBPROTOCOL, TOKEN_EXPIRED_CODE } from '../../contract/socket-protocol.ts';
import { auth } from '../auth/auth.ts';
import { useAPI } from './analytics-context.tsx';

const MAX_EVENTS = 12;
const SHOWN_A_SECOND = 4;
const LONGEST_PAUSE_S = 60;

export interface LiveEvent {
  key: number;
  type: 'visitor_joined' | 'visitor_left';
  visitor: string;
  /** ISO 8601 */
  at: string;
}

export interface LiveVisitors {
  status: 'connecting' | 'live' | 'waiting';
  /** Undefined until the first message. */
  online: number | undefined;
  visitorsToday: number | undefined;
  pageViewsToday: number | undefined;
  /** The latest comings and goings, newest first. */
  events: readonly LiveEvent[];
  /** More come and go than are told one by one. */
  sampled: boolean;
}

const NOTHING: LiveVisitors = {
  status: 'connecting',
  online: undefined,
  visitorsToday: undefined,
  pageViewsToday: undefined,
  events: [],
  sampled: false,
};

export function useLiveVisitors(communityId: string | undefined): LiveVisitors {
  const api = useAPI();
  const token = api.getToken();
  const [live, setLive] = useState(NOTHING);
  useEffect(() => {
    setLive(NOTHING);
    const address = socketAddress(api.baseUrl, communityId);
    return listen(address, token, setLive);
  }, [api, token, communityId]);
  return live;
}

function socketAddress(baseUrl: string, communityId: string | undefined): URL {
  const address = new URL('../../ws/analytics/dashboard/', baseUrl);
  address.protocol = address.protocol.replace('http', 'ws');
  if (communityId !== undefined) address.searchParams.set('community_id', communityId);
  return address;
}

/** Answers a function that ends it. */
function listen(address: URL, token: string | undefined, show: (live: LiveVisitors) => void): () => void {
  let live = NOTHING;
  let socket: WebSocket | undefined;
  let reconnecting: ReturnType<typeof setTimeout> | undefined;
  let showing: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let events = 0;
  let ended = false;

  function change(part: Partial<LiveVisitors>): void {
    live = { ...live, ...part };
    showing ??= setTimeout(() => {
      showing = undefined;
      show(live);
    }, 1_000 / SHOWN_A_SECOND);
  }

  function hear(message: ServerMessage): void {
    if (message.type === 'visitor_count') {
      change({ online: message.count });
    } else if (message.type === 'dashboard_update') {
      const { online, visitors_today: visitorsToday, page_views_today: pageViewsToday } = message;
      change({ online, visitorsToday, pageViewsToday });
    } else {
      const { type, visitor, sampled = false } = message;
      const event = { key: events++, type, visitor: visitor.id, at: visitor.timestamp };
      change({ events: [event, ...live.events].slice(0, MAX_EVENTS), sampled });
    }
  }

  function connect(): void {
    // As a subprotocol the token stands in no address, and so in no access log.
    socket = new WebSocket(address, token === undefined ? [] : [SOCKET_SUBPROTOCOL, token]);
    socket.onopen = () => change({ status: 'live' });
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      failures = 0;
      hear(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (ended) return;
      change({ status: 'waiting' });
      if (code === TOKEN_EXPIRED_CODE) {
        auth.signOut('expired');
        return;
      }
      const pauseS = Math.min(LONGEST_PAUSE_S, 2 ** failures++) * (0.5 + Math.random() / 2);
      reconnecting = setTimeout(connect, 1_000 * pauseS);
    };
  }

  connect();
  return () => {
    ended = true;
    clearTimeout(reconnecting);
    clearTimeout(showing);
    socket?.close();
  };
}
