import { CopyButton, Button } from "@mantine/core";
import { memo, type ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";

import { text } from "../texts";

// No HTML of a model's is rendered, and nothing is fetched because a model says so: an image is
// shown as a link to it.
const components: Components = {
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ),
  img: ({ src, alt }) => (
    <a href={typeof src === "string" ? src : undefined} target="_blank" rel="noopener noreferrer">
      {alt || String(src)}
    </a>
  ),
};

export const Markdown = memo(({ source }: { source: string }) => (
  <div className="prose">
    <ReactMarkdown remarkPlugins={[remarkGfm]} components={components}>
      {source}
    </ReactMarkdown>
  </div>
));

function CodeBlock({ children }: { children?: ReactNode }) {
  return (
    <div className="code">
      <pre>{children}</pre>
      <CopyButton value={plain(children)}>
        {({ copied, copy }) => (
          <Button size="compact-xs" variant="default" onClick={copy}>
            {copied ? text.copied : text.copy}
          </Button>
        )}
      </CopyButton>
    </div>
  );
}

function plain(node: ReactNode): string {
  if (typeof node === "string") return node;
  if (Array.isArray(node)) return node.map(plain).join("");
  if (node && typeof node === "object" && "props" in node) {
    return plain((node.props as { children?: ReactNode }).children);
  }
  return "";
}
