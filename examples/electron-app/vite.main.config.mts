import { defineConfig } from 'vite';

// The name is given, because Forge 7 would call it main.js and Forge 8 main.cjs. Everything else of this build comes from Forge.
export default defineConfig({
  build: { lib: { entry: 'src/main/main.ts', formats: ['cjs'], fileName: () => 'main.cjs' } },
});
