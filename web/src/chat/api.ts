// The server's side of the chat: `platforms/webchat`.

import { Events } from "./sse";
import type { Entry } from "./turn";

export type Stored = { id: string; asked: string; entries: Entry[] };
export type Conversation = { bot: string; simulated: boolean; turns: Stored[] };

export class KeyNeeded extends Error {}

/** The server has read what was asked, and will not do it. */
export class Refused extends Error {}

const KEY = "holdfast.key";

export function keepKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const key = sessionStorage.getItem(KEY);
  const headers = new Headers(init.headers);
  headers.set("accept-language", navigator.language);
  if (key) headers.set("authorization", `Bearer ${key}`);
  const response = await fetch(`/chat/api/${path}`, { ...init, headers });
  if (response.status === 401) throw new KeyNeeded();
  if (!response.ok) {
    const known = response.status >= 400 && response.status < 500 && response.status !== 429;
    throw new (known ? Refused : Error)(`${response.status}`);
  }
  return response;
}

export async function load(conversation: string): Promise<Conversation> {
  return (await ask(`conversations/${conversation}`)).json();
}

/**
 * Sends a message until the server has it, and tells the turn that answers it. `id` is chosen by
 * the page, so that sending again after a lost answer sends nothing twice. `lost` as in `follow`.
 */
export async function send(
  conversation: string,
  id: string,
  text: string,
  lost: (away: boolean) => void,
): Promise<string> {
  const body = JSON.stringify({ id, text });
  const headers = { "content-type": "application/json" };
  for (let failures = 0; ; failures += 1) {
    try {
      const answer = await ask(`conversations/${conversation}/messages`, { method: "POST", body, headers });
      lost(false);
      return ((await answer.json()) as { turn: string }).turn;
    } catch (error) {
      if (error instanceof KeyNeeded || error instanceof Refused) throw error;
    }
    lost(true);
    await pause(backoff(failures + 1));
  }
}

/** What a tool brought; by our own request, because a picture's address cannot carry the key. */
export async function fetchMedia(turn: string, path: string, signal?: AbortSignal): Promise<Blob> {
  return (await ask(`turns/${encodeURIComponent(turn)}/${path}`, { signal })).blob();
}

/** Stops this turn, and none that has begun after it. */
export async function stop(conversation: string, turn: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  await ask(`conversations/${conversation}/stop`, { method: "POST", body: JSON.stringify({ turn }), headers });
}

/**
 * Gives every entry after `after`, in order, until the turn has ended. A connection that breaks
 * is made again from the last sequence that came; `lost` tells while there is none. Throws
 * KeyNeeded and Refused.
 */
export async function follow(
  turn: string,
  after: number,
  take: (entry: Entry) => void,
  lost: (away: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  let last = after;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const response = await ask(`turns/${encodeURIComponent(turn)}/events?after=${last}`, { signal });
      lost(false);
      const ended = await read(response, (entry) => {
        last = entry.sequence;
        failures = 0;
        take(entry);
      });
      if (ended) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof KeyNeeded || error instanceof Refused) throw error;
    }
    lost(true);
    failures += 1;
    await pause(backoff(failures), signal);
  }
}

async function read(response: Response, take: (entry: Entry) => void): Promise<boolean> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  const events = new Events();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    for (const data of events.feed(decoder.decode(value, { stream: true }))) {
      const entry = JSON.parse(data) as Entry | { end: true };
      if ("end" in entry) return true;
      take(entry);
    }
  }
}

function backoff(failures: number): number {
  return Math.min(5000, 250 * 2 ** failures);
}

/** At an end as soon as the browser says that it is online again. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { signal: over.signal });
    window.addEventListener("online", end, { signal: over.signal });
  });
}
