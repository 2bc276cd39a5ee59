// The server's side of the chat: `platforms/webchat`.

import { Events } from "./sse";
import type { Entry } from "./turn";

export type Stored = { id: string; asked: string; entries: Entry[] };
export type Conversation = { bot: string; simulated: boolean; turns: Stored[] };

export class KeyNeeded extends Error {}

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
  if (!response.ok) throw new Error(`${response.status}`);
  return response;
}

export async function load(conversation: string): Promise<Conversation> {
  return (await ask(`conversations/${conversation}`)).json();
}

/** `id` is chosen here, so that sending again after a lost answer sends nothing twice. */
export async function send(conversation: string, id: string, text: string): Promise<{ turn: string }> {
  const body = JSON.stringify({ id, text });
  const headers = { "content-type": "application/json" };
  return (await ask(`conversations/${conversation}/messages`, { method: "POST", body, headers })).json();
}

export async function stop(conversation: string): Promise<void> {
  await ask(`conversations/${conversation}/stop`, { method: "POST" });
}

/**
 * Gives every entry after `after`, in order, until the turn has ended. A connection that breaks
 * is made again from the last sequence that came; `lost` tells while there is none.
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
      if (signal.aborted || error instanceof KeyNeeded) return;
    }
    lost(true);
    failures += 1;
    await pause(Math.min(5000, 250 * 2 ** failures), signal);
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

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
