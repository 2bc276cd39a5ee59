import { useCallback, useEffect, useRef, useState } from "react";

import { follow, KeyNeeded, load, send, stop } from "./api";
import { begin, fold, type Turn } from "./turn";

const CONVERSATION = "holdfast.conversation";
const DRAFT = "holdfast.draft";

export type Chat = {
  turns: Turn[];
  simulated: boolean;
  away: boolean; // no connection to the server
  locked: boolean; // a key is needed
  unsent: boolean;
  busy: boolean;
  draft: string;
  write: (draft: string) => void;
  say: (words: string) => Promise<void>;
  halt: () => void;
  fresh: () => void;
  unlocked: () => void;
};

type Sending = { id: string; words: string };

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

export function useChat(): Chat {
  const [conversation, setConversation] = useState(() => kept(CONVERSATION, newId));
  const [turns, setTurns] = useState<Turn[]>([]);
  const [simulated, setSimulated] = useState(false);
  const [away, setAway] = useState(false);
  const [locked, setLocked] = useState(false);
  const [unsent, setUnsent] = useState<Sending | null>(null);
  const [draft, setDraft] = useState(() => localStorage.getItem(DRAFT) ?? "");
  const [visit, setVisit] = useState(0);
  const leaving = useRef(new AbortController());

  const watch = useCallback((id: string, after: number, signal: AbortSignal) => {
    const take = (entry: Parameters<typeof fold>[1]) =>
      setTurns((all) => all.map((turn) => (turn.id === id ? fold(turn, entry) : turn)));
    return follow(id, after, take, setAway, signal);
  }, []);

  useEffect(() => {
    const controller = new AbortController();
    leaving.current = controller;
    const open = async () => {
      try {
        const found = await load(conversation);
        if (controller.signal.aborted) return;
        const loaded = found.turns.map(({ id, asked, entries }) => entries.reduce(fold, begin(id, asked)));
        setTurns(loaded);
        setSimulated(found.simulated);
        setAway(false);
        for (const turn of loaded) if (!turn.ended) void watch(turn.id, turn.last, controller.signal);
      } catch (error) {
        if (controller.signal.aborted) return;
        if (error instanceof KeyNeeded) setLocked(true);
        else {
          setAway(true);
          setTimeout(() => setVisit((count) => count + 1), 2000);
        }
      }
    };
    void open();
    return () => controller.abort();
  }, [conversation, visit, watch]);

  const write = useCallback((words: string) => {
    setDraft(words);
    localStorage.setItem(DRAFT, words);
  }, []);

  const say = useCallback(
    async (words: string) => {
      const again = unsent?.words === words ? unsent.id : newId();
      try {
        const { turn } = await send(conversation, again, words);
        setUnsent(null);
        write("");
        setTurns((all) => (all.some(({ id }) => id === turn) ? all : [...all, begin(turn, words)]));
        void watch(turn, 0, leaving.current.signal);
      } catch (error) {
        if (error instanceof KeyNeeded) setLocked(true);
        write(words);
        setUnsent({ id: again, words });
      }
    },
    [conversation, unsent, watch, write],
  );

  const fresh = useCallback(() => {
    const id = newId();
    localStorage.setItem(CONVERSATION, id);
    setTurns([]);
    setConversation(id);
  }, []);

  return {
    turns,
    simulated,
    away,
    locked,
    unsent: unsent !== null,
    busy: turns.some((turn) => !turn.ended),
    draft,
    write,
    say,
    halt: () => void stop(conversation).catch(() => setAway(true)),
    fresh,
    unlocked: () => {
      setLocked(false);
      setVisit((count) => count + 1);
    },
  };
}

function kept(name: string, make: () => string): string {
  const value = localStorage.getItem(name) ?? make();
  localStorage.setItem(name, value);
  return value;
}
