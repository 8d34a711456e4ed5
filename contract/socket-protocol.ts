/** What both ends of a socket agree on before its first message, and with its last. */

/** The subprotocols `bearer, JWT` bring a token that stands in no address. */
export const SOCKET_SUBPROTOCOL = 'bearer';

/** Close code of our own: come back with a new token. */
export const TOKEN_EXPIRED_CODE = 4401;
