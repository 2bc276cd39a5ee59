import { Accordion, Alert, Badge, Group, Loader, Paper, Stack, Text } from "@mantine/core";
import { memo } from "react";

import { text } from "../texts";
import { Exhibit } from "./Exhibit";
import { Markdown } from "./Markdown";
import { type Block, CONTINUE, RETRY, type Tool, type Turn } from "./turn";

const FAILED = new Set(["failed", "refused", "limited"]);
const COLOURS: Record<string, string> = { ok: "teal", running: "blue", unknown: "orange" };

export const TurnView = memo(({ turn }: { turn: Turn }) => (
  <Stack gap="sm">
    {turn.asked && <Asked words={turn.asked} />}
    <Stack gap="xs" className={turn.ended ? undefined : "growing"}>
      {turn.blocks.map((block, index) => (
        <BlockView key={index} block={block} turn={turn.id} />
      ))}
      {!turn.ended && !turn.blocks.length && (
        <Group gap="xs" c="dimmed">
          <Loader size="xs" type="dots" />
          <Text size="sm">{text.waiting}</Text>
        </Group>
      )}
      {turn.ended?.sentence && (
        <Alert color={FAILED.has(turn.ended.outcome) ? "red" : "gray"} variant="light" py="xs" role="status">
          {turn.ended.sentence}
        </Alert>
      )}
    </Stack>
  </Stack>
));

/** What somebody said; what a button said for them is told as its label. */
export function Asked({ words, unsent = false }: { words: string; unsent?: boolean }) {
  const shown = words === RETRY ? text.retry : words === CONTINUE ? text.goOn : words;
  return (
    <Paper className={unsent ? "mine unsent" : "mine"} px="md" py="xs" bg="var(--mantine-primary-color-light)">
      {shown}
      {unsent && <Loader size={10} type="dots" ml="xs" aria-label={text.sending} />}
    </Paper>
  );
}

function BlockView({ block, turn }: { block: Block; turn: string }) {
  switch (block.kind) {
    case "text":
      return <Markdown source={block.text} />;
    case "note":
      return (
        <Text size="xs" c="dimmed">
          {block.text}
        </Text>
      );
    case "reasoning":
      return (
        <Fold title={text.thinking}>
          <div className="plain">{block.text}</div>
        </Fold>
      );
    case "tool":
      return (
        <>
          <ToolView tool={block} />
          {block.media.map((media) => (
            <Exhibit key={media.path} turn={turn} media={media} />
          ))}
        </>
      );
  }
}

function ToolView({ tool }: { tool: Tool }) {
  const label = (
    <Group gap="xs">
      <Text size="sm">
        {text.tool} <b>{tool.name}</b>
      </Text>
      <Badge size="sm" variant="light" color={COLOURS[tool.outcome] ?? "red"}>
        {text[tool.outcome]}
      </Badge>
      {tool.ms >= 50 && (
        <Text size="xs" c="dimmed">
          {(tool.ms / 1000).toFixed(1)} s
        </Text>
      )}
    </Group>
  );
  return (
    <Fold title={label}>
      <Text size="xs" c="dimmed">
        {text.input}
      </Text>
      <div className="plain">{tool.input}</div>
      {tool.output && (
        <>
          <Text size="xs" c="dimmed" mt="xs">
            {text.output}
          </Text>
          <div className="plain">{tool.output}</div>
        </>
      )}
    </Fold>
  );
}

function Fold({ title, children }: { title: React.ReactNode; children: React.ReactNode }) {
  return (
    <Accordion variant="contained" chevronPosition="left">
      <Accordion.Item value="it">
        <Accordion.Control py={2}>{title}</Accordion.Control>
        <Accordion.Panel>{children}</Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
