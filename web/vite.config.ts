import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Built into the Python package; nothing built is committed.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/holdfast/console/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
  },
  server: { proxy: { "/chat/api": "http://127.0.0.1:8700" } },
});
