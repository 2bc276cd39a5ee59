import { ActionIcon, Alert, Badge, Button, Group, PasswordInput, Stack, Text, Textarea, Title } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import { text } from "../texts";
import { keepKey } from "./api";
import { isCommand } from "./turn";
import { TurnView } from "./TurnView";
import { type Chat as Talk, useChat } from "./useChat";

export function Chat() {
  const chat = useChat();
  const bottom = useFollowingScroll(chat.turns);
  const last = chat.turns.at(-1);
  return (
    <div className="page">
      <header className="column">
        <Group justify="space-between" py="sm">
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
          {last?.ended && !chat.turns.every(isCommand) && (
            <Group>
              <Button size="compact-xs" variant="subtle" onClick={() => void chat.say("/retry")}>
                {text.retry}
              </Button>
            </Group>
          )}
        </Stack>
      </main>
      <footer className="column">
        <Stack gap="xs" pb="md">
          {chat.away && <Alert color="orange" py={4} title={text.reconnecting} />}
          {chat.unsent && <Alert color="red" py={4} title={text.unsent} />}
          {chat.locked ? <Lock onOpen={chat.unlocked} /> : <Composer chat={chat} />}
        </Stack>
      </footer>
    </div>
  );
}

function Composer({ chat }: { chat: Talk }) {
  const words = chat.draft.trim();
  const send = () => {
    if (words) void chat.say(words);
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
        value={chat.draft}
        onChange={(event) => chat.write(event.currentTarget.value)}
        onKeyDown={(event) => {
          // An input method uses Enter to choose a character.
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
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

/** Stays at the end while the reader is there; whoever scrolls up is left in peace. */
function useFollowingScroll(news: unknown) {
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
    const element = box.current!;
    if (near.current) element.scrollTop = element.scrollHeight;
  }, [news]);
  return box;
}
