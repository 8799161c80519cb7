// SPDX-License-Identifier: MIT
'use strict';

/** @import { Frames } from './answer.js' */
/** @import { Reply } from './options.js' */
/** @import { Recorded } from './log.js' */

/**
 * A body as it goes over the wire: pieces with the pause before each, and how it ends.
 *
 * @typedef {{data: string | Buffer, afterMs: number, token: boolean}} Piece
 * @typedef {{pieces: Piece[], end: 'end' | 'cut' | 'hang'}} Plan
 */

/**
 * @param {Frames} frames
 * @param {Reply} reply
 * @param {{firstTokenMs: number, tokenMs: number}} pace
 * @param {string} errorFrame used with errorAfterTokens
 * @returns {Plan}
 */
function planStream(frames, reply, pace, errorFrame) {
  /** @type {Piece[]} */
  const pieces = frames.head.map((data) => ({ data, afterMs: 0, token: false }));
  const stopAt = reply.cutAfterTokens ?? reply.hangAfterTokens ?? reply.errorAfterTokens ?? Infinity;
  frames.tokens.slice(0, stopAt).forEach((data, index) => {
    pieces.push({ data, afterMs: index === 0 ? pace.firstTokenMs : pace.tokenMs, token: true });
  });
  if (reply.errorAfterTokens !== undefined) pieces.push({ data: errorFrame, afterMs: 0, token: false });
  else if (stopAt === Infinity) frames.tail.forEach((data) => pieces.push({ data, afterMs: 0, token: false }));

  const cut = reply.cutAfterTokens !== undefined;
  return cutBytes({ pieces, end: reply.hangAfterTokens !== undefined ? 'hang' : cut && !reply.clean ? 'cut' : 'end' }, reply);
}

/**
 * @param {string} body
 * @param {Reply} reply
 * @param {number} afterMs
 * @returns {Plan}
 */
function planWhole(body, reply, afterMs) {
  return cutBytes({ pieces: [{ data: body, afterMs, token: false }], end: 'end' }, reply);
}

/**
 * @param {Plan} plan
 * @param {Reply} reply
 * @returns {Plan}
 */
function cutBytes(plan, reply) {
  if (reply.cutAfterBytes === undefined) return plan;
  let left = reply.cutAfterBytes;
  const pieces = [];
  for (const piece of plan.pieces) {
    const data = Buffer.from(piece.data);
    if (data.length >= left) {
      pieces.push({ ...piece, data: data.subarray(0, left), token: false });
      return { pieces, end: reply.clean ? 'end' : 'cut' };
    }
    left -= data.length;
    pieces.push({ ...piece, data });
  }
  return { ...plan, pieces };
}

/**
 * Sends the pieces. What needs no pause between goes out in one write, so that thousands of answers cost little.
 * @param {Plan} plan
 * @param {import('node:http').ServerResponse} response
 * @param {Recorded} entry
 */
async function play({ pieces, end }, response, entry) {
  /** @type {Piece[]} */
  let ready = [];
  for (const piece of pieces) {
    if (piece.afterMs > 0) {
      if (ready.length > 0) send(ready, response, entry);
      ready = [];
      await pause(piece.afterMs);
      if (response.destroyed) return;
    }
    ready.push(piece);
  }
  if (end === 'end') {
    entry.tokensSent += ready.filter((piece) => piece.token).length;
    response.end(joined(ready));
    return;
  }
  if (end === 'hang') return send(ready, response, entry);
  entry.cut = true;
  // What was written before the cut must be on its way, or the cut would come earlier than scripted.
  send(ready, response, entry, () => response.destroy());
}

/**
 * @param {Piece[]} pieces
 * @param {import('node:http').ServerResponse} response
 * @param {Recorded} entry
 * @param {() => void} [onSent]
 */
function send(pieces, response, entry, onSent) {
  entry.tokensSent += pieces.filter((piece) => piece.token).length;
  const data = joined(pieces);
  if (data.length > 0) return void response.write(data, onSent);
  response.flushHeaders();
  if (onSent) setImmediate(onSent);
}

/**
 * @param {Piece[]} pieces
 * @returns {string | Buffer}
 */
function joined(pieces) {
  if (pieces.every((piece) => typeof piece.data === 'string')) return pieces.map((piece) => piece.data).join('');
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece.data)));
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

module.exports = { planStream, planWhole, play, pause };
