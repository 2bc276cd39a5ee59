import { useCallback, useEffect, useRef, useState } from "react";

import { follow, KeyNeeded, load, Refused, send, stop } from "./api";
import { begin, fold, type Turn } from "./turn";

const CONVERSATION = "holdfast.conversation";
const DRAFT = "holdfast.draft";
const LEAVING = "holdfast.leaving"; // messages that the server has not got yet

/** A message on its way to the server. */
export type Leaving = { id: string; conversation: string; words: string };

export type Chat = {
  turns: Turn[];
  leaving: Leaving[];
  said: number; // how often something was said on this page
  simulated: boolean;
  away: boolean; // no connection to the server
  locked: boolean; // a key is needed
  refused: boolean; // the server does not take the draft
  busy: boolean;
  draft: string;
  write: (draft: string) => void;
  say: (words: string) => void;
  halt: () => void;
  fresh: () => void;
  unlocked: () => void;
};

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

export function useChat(): Chat {
  const [conversation, setConversation] = useState(() => kept(CONVERSATION, newId));
  const [turns, setTurns] = useState<Turn[]>([]);
  const [leaving, setLeaving] = useState<Leaving[]>(() => read<Leaving[]>(LEAVING) ?? []);
  const [said, setSaid] = useState(0);
  const [simulated, setSimulated] = useState(false);
  const [away, setAway] = useState(false);
  const [locked, setLocked] = useState(false);
  const [refused, setRefused] = useState(false);
  const [draft, setDraft] = useState(() => localStorage.getItem(DRAFT) ?? "");
  const [visit, setVisit] = useState(0);
  const here = useRef({ conversation, signal: new AbortController().signal });
  const line = useRef(Promise.resolve()); // messages go one after the other
  const tabs = useTabs((told) => told === here.current.conversation && again());

  const again = useCallback(() => setVisit((count) => count + 1), []);

  const watch = useCallback((id: string, after: number, signal: AbortSignal) => {
    const take = (entry: Parameters<typeof fold>[1]) =>
      setTurns((all) => all.map((turn) => (turn.id === id ? fold(turn, entry) : turn)));
    follow(id, after, take, setAway, signal).catch((error: unknown) => {
      if (error instanceof KeyNeeded) setLocked(true);
    });
  }, []);

  useEffect(() => {
    const controller = new AbortController();
    here.current = { conversation, signal: controller.signal };
    const open = async () => {
      try {
        const found = await load(conversation);
        if (controller.signal.aborted) return;
        const loaded = found.turns.map(({ id, asked, entries }) => entries.reduce(fold, begin(id, asked)));
        setTurns((all) => {
          // What was said while this was on its way is not in it.
          const known = new Set(loaded.map(({ id }) => id));
          return [...loaded, ...all.filter((turn) => !turn.ended && !known.has(turn.id))];
        });
        setSimulated(found.simulated);
        setAway(false);
        for (const turn of loaded) if (!turn.ended) watch(turn.id, turn.last, controller.signal);
      } catch (error) {
        if (controller.signal.aborted) return;
        if (error instanceof KeyNeeded) setLocked(true);
        else {
          setAway(true);
          setTimeout(again, 2000);
        }
      }
    };
    void open();
    return () => controller.abort();
  }, [conversation, visit, watch, again]);

  const write = useCallback((words: string) => {
    setDraft(words);
    setRefused(false);
    localStorage.setItem(DRAFT, words);
  }, []);

  const deliver = useCallback(
    async (message: Leaving) => {
      const { id, words } = message;
      try {
        const turn = await send(message.conversation, id, words, setAway);
        if (message.conversation === here.current.conversation) {
          setTurns((all) => (all.some((known) => known.id === turn) ? all : [...all, begin(turn, words)]));
          watch(turn, 0, here.current.signal);
        }
        tabs.tell(message.conversation);
      } catch (error) {
        if (error instanceof KeyNeeded) {
          setLocked(true);
          return; // it is sent once there is a key
        }
        if (!(error instanceof Refused)) throw error;
        setDraft((other) => other || words);
        setRefused(true);
      }
      setLeaving((all) => all.filter((other) => other.id !== id));
    },
    [tabs, watch],
  );

  const depart = useCallback(
    (messages: Leaving[]) => {
      for (const message of messages) line.current = line.current.then(() => deliver(message));
    },
    [deliver],
  );

  const left = useRef(leaving);
  left.current = leaving;
  useEffect(() => localStorage.setItem(LEAVING, JSON.stringify(leaving)), [leaving]);
  useEffect(() => {
    if (!locked) depart(left.current); // those of an earlier visit, and those that waited for a key
  }, [locked, depart]);

  const say = useCallback(
    (words: string) => {
      const message = { id: newId(), conversation, words };
      setLeaving((all) => [...all, message]);
      setSaid((count) => count + 1);
      depart([message]);
    },
    [conversation, depart],
  );

  const show = useCallback((id: string) => {
    localStorage.setItem(CONVERSATION, id);
    setTurns([]);
    setConversation(id);
  }, []);

  const fresh = useCallback(() => {
    const id = newId();
    history.pushState(id, "");
    show(id);
  }, [show]);

  useEffect(() => {
    // The browser's own way back leads to the conversation before.
    const back = ({ state }: PopStateEvent) => typeof state === "string" && show(state);
    history.replaceState(here.current.conversation, "");
    window.addEventListener("popstate", back);
    return () => window.removeEventListener("popstate", back);
  }, [show]);

  useEffect(() => {
    const look = () => document.visibilityState === "visible" && again();
    document.addEventListener("visibilitychange", look); // a phone that slept has lost its connections
    return () => document.removeEventListener("visibilitychange", look);
  }, [again]);

  const running = turns.find((turn) => !turn.ended);
  return {
    turns,
    leaving: leaving.filter((message) => message.conversation === conversation),
    said,
    simulated,
    away,
    locked,
    refused,
    busy: running !== undefined,
    draft,
    write,
    say,
    halt: () => running && void stop(conversation, running.id).catch(() => undefined), // the button is still there
    fresh,
    unlocked: () => {
      setLocked(false);
      again();
    },
  };
}

/** The other tabs of this browser, told of conversations in which something was said. */
function useTabs(heard: (conversation: string) => void): { tell: (conversation: string) => void } {
  const latest = useRef(heard);
  latest.current = heard;
  const channel = useRef<BroadcastChannel | null>(null);
  useEffect(() => {
    const opened = new BroadcastChannel("holdfast");
    opened.onmessage = ({ data }) => latest.current(String(data));
    channel.current = opened;
    return () => opened.close();
  }, []);
  return useRef({ tell: (conversation: string) => channel.current?.postMessage(conversation) }).current;
}

function kept(name: string, make: () => string): string {
  const value = localStorage.getItem(name) ?? make();
  localStorage.setItem(name, value);
  return value;
}

function read<Value>(name: string): Value | null {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null") as Value | null;
  } catch {
    return null;
  }
}
