import { ActionIcon, Alert, Badge, Button, Group, PasswordInput, Stack, Text, Textarea, Title } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import { text } from "../texts";
import { keepKey } from "./api";
import { Copy } from "./Copy";
import { answerOf, CONTINUE, isCommand, RETRY, type Turn } from "./turn";
import { Asked, TurnView } from "./TurnView";
import { type Chat as Talk, useChat } from "./useChat";

export function Chat() {
  const chat = useChat();
  const bottom = useFollowingScroll([chat.turns, chat.leaving], chat.said);
  const last = chat.turns.at(-1);
  return (
    <div className="page">
      <header className="edge">
        <Group className="column" justify="space-between" py="sm">
          <Group gap="xs">
            <Title order={4}>{text.title}</Title>
            {chat.simulated && (
              <Badge color="yellow" variant="light" tt="none">
                {text.simulated}
              </Badge>
            )}
          </Group>
          <Button size="compact-sm" variant="default" onClick={chat.fresh}>
            {text.fresh}
          </Button>
        </Group>
      </header>
      <main className="scroll" ref={bottom}>
        <Stack className="column" gap="lg" py="md">
          {!chat.turns.length && <Text c="dimmed">{text.hello}</Text>}
          {!chat.turns.length && chat.simulated && <Text c="dimmed">{text.play}</Text>}
          {chat.turns.map((turn) => (
            <TurnView key={turn.id} turn={turn} />
          ))}
          {chat.leaving.map(({ id, words }) => (
            <Asked key={id} words={words} unsent />
          ))}
          {last?.ended && !chat.leaving.length && <Next turn={last} chat={chat} />}
        </Stack>
      </main>
      <footer className="edge">
        <Stack className="column" gap="xs" pt="xs" pb="md">
          {chat.away && <Alert color="orange" py={4} title={text.reconnecting} />}
          {chat.refused && <Alert color="red" py={4} title={text.refusedDraft} />}
          {chat.locked ? <Lock onOpen={chat.unlocked} /> : <Composer chat={chat} />}
        </Stack>
      </footer>
    </div>
  );
}

/** What may be done about the last answer. */
function Next({ turn, chat }: { turn: Turn; chat: Talk }) {
  const answer = answerOf(turn);
  const cut = answer && (turn.ended?.outcome === "failed" || turn.ended?.outcome === "limited");
  return (
    <Group gap="xs">
      {!chat.turns.every(isCommand) && (
        <Button size="compact-xs" variant="subtle" onClick={() => chat.say(RETRY)}>
          {text.retry}
        </Button>
      )}
      {cut && (
        <Button size="compact-xs" variant="subtle" onClick={() => chat.say(CONTINUE)}>
          {text.goOn}
        </Button>
      )}
      {answer && <Copy words={answer} variant="subtle" />}
    </Group>
  );
}

function Composer({ chat }: { chat: Talk }) {
  const words = chat.draft.trim();
  const send = () => {
    if (!words) return;
    chat.write("");
    chat.say(words);
  };
  return (
    <Group align="flex-end" gap="xs" wrap="nowrap">
      <Textarea
        flex={1}
        autosize
        minRows={1}
        maxRows={10}
        autoFocus
        aria-label={text.placeholder}
        placeholder={text.placeholder}
        title={text.keys}
        value={chat.draft}
        onChange={(event) => chat.write(event.currentTarget.value)}
        onKeyDown={(event) => {
          // An input method uses Enter to choose a character; Safari tells only by the old code.
          const { isComposing, keyCode } = event.nativeEvent;
          if (event.key === "Enter" && !event.shiftKey && !isComposing && keyCode !== 229) {
            event.preventDefault();
            send();
          }
        }}
      />
      {chat.busy && (
        <ActionIcon size={36} variant="default" aria-label={text.stop} title={text.stop} onClick={chat.halt}>
          ■
        </ActionIcon>
      )}
      <Button onClick={send} disabled={!words}>
        {text.send}
      </Button>
    </Group>
  );
}

function Lock({ onOpen }: { onOpen: () => void }) {
  const [key, setKey] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        keepKey(key);
        onOpen();
      }}
    >
      <Group align="flex-end">
        <PasswordInput
          flex={1}
          label={text.key}
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        <Button type="submit">{text.enter}</Button>
      </Group>
    </form>
  );
}

/** Stays at the end while the reader is there; whoever scrolls up is left in peace until they say
 * something themselves.
 */
function useFollowingScroll(news: unknown[], said: number) {
  const box = useRef<HTMLElement>(null);
  const near = useRef(true);
  useEffect(() => {
    const element = box.current!;
    const look = () => {
      near.current = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    };
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, []);
  useEffect(() => {
    near.current = true;
  }, [said]);
  useEffect(() => {
    const element = box.current!;
    if (near.current) element.scrollTop = element.scrollHeight;
  }, news);
  return box;
}
