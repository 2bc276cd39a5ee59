import { Component, isValidElement, memo, type ReactNode, useId } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";

import { text } from "../texts";
import { Copy } from "./Copy";
import { Formula } from "./Formula";
import { MARK, MATH, withFormulas } from "./math";

// No HTML of a model's is rendered, and nothing is fetched because a model says so: an image is
// shown as a link to it.
const components: Components = {
  pre: ({ children }) => <Block>{children}</Block>,
  code: ({ children, className }) => {
    const source = plain(children);
    if (source.startsWith(MARK)) return <Formula source={source.slice(1)} display={false} />;
    return <code className={className}>{children}</code>;
  },
  a: ({ href, id, children }) =>
    href?.startsWith("#") ? (
      <a href={href} id={id}>
        {children}
      </a>
    ) : (
      <Link href={href}>{children}</Link>
    ),
  img: ({ src, alt }) => {
    const href = typeof src === "string" ? src : "";
    return <Link href={href}>{alt || href}</Link>;
  },
  table: ({ children }) => (
    <div className="table">
      <table>{children}</table>
    </div>
  ),
};

export const Markdown = memo(({ source }: { source: string }) => (
  <div className="prose">
    <AsItIs source={source}>
      <Rendered source={source} />
    </AsItIs>
  </div>
));

function Rendered({ source }: { source: string }) {
  const own = useId(); // of this answer: its notes are not those of another
  const options = { clobberPrefix: `${own}-`, footnoteLabel: text.notes };
  return (
    <ReactMarkdown remarkPlugins={[remarkGfm]} remarkRehypeOptions={options} components={components}>
      {withFormulas(source)}
    </ReactMarkdown>
  );
}

/** What cannot be rendered, such as a thousand quotes in each other, is shown as it was written: the
    page and all other answers stay. */
class AsItIs extends Component<{ source: string; children: ReactNode }, { failed: boolean }> {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  render() {
    return this.state.failed ? <div className="plain">{this.props.source}</div> : this.props.children;
  }
}

/** An address that leads nowhere good was taken out by then: what is left are words. */
function Link({ href, children }: { href?: string; children?: ReactNode }) {
  if (!href) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

function Block({ children }: { children?: ReactNode }) {
  const source = plain(children);
  const language = languageOf(children);
  if (language === MATH) return <Formula source={source} display />;
  return (
    <div className="code">
      <div className="head">
        <span>{language}</span>
        <Copy words={source} variant="subtle" />
      </div>
      <pre>{children}</pre>
    </div>
  );
}

function languageOf(node: ReactNode): string {
  if (!isValidElement<{ className?: string }>(node)) return "";
  return /language-(\S+)/.exec(node.props.className ?? "")?.[1] ?? "";
}

function plain(node: ReactNode): string {
  if (typeof node === "string") return node;
  if (Array.isArray(node)) return node.map(plain).join("");
  if (isValidElement<{ children?: ReactNode }>(node)) return plain(node.props.children);
  return "";
}
