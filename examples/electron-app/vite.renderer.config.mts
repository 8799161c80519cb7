import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [
    {
      // Vite's development server puts styles into <style> elements. The packaged page keeps the policy as index.html has it.
      name: 'development-policy',
      apply: 'serve',
      transformIndexHtml: (html) => html.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
    },
  ],
});
