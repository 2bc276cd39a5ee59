import "@mantine/core/styles.css";
import "./page.css";

import { createTheme, MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Chat } from "./chat/Chat";
import { language } from "./texts";

document.documentElement.lang = language;

const theme = createTheme({ primaryColor: "cyan", defaultRadius: "md" });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Chat />
    </MantineProvider>
  </StrictMode>,
);
