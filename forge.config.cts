// How the example app is packaged; copied into an app of one's own together with vite.worker.config.mts it works as it is, with
// electron-forge 7 and 8. Paths are the app's, but for the worker's configuration, which lies beside this file.
const path: typeof import('node:path') = require('node:path');

/** The fuses by the numbers of @electron/fuses, which is not loaded here so that this file needs no package of its own. */
const fuse = {
  runAsNode: 0,
  cookieEncryption: 1,
  nodeOptionsVariable: 2,
  nodeInspectArguments: 3,
  embeddedAsarIntegrityValidation: 4,
  onlyLoadAppFromAsar: 5,
} as const;

const config: import('@electron-forge/shared-types').ForgeConfig = {
  packagerConfig: {
    // A library cannot be loaded from inside the archive, and on macOS it could not be signed there. The pattern is the one of
    // electron-packager: a plain **/*.node does not look into .vite, whose name begins with a dot.
    asar: { unpack: '**/{.**,**}/**/*.node' },
  },
  // The worker's addon comes ready-made; nothing is to be compiled on the app developer's machine.
  rebuildConfig: { onlyModules: [] },
  plugins: [
    {
      name: '@electron-forge/plugin-vite',
      config: {
        build: [
          { entry: 'src/main/main.ts', config: 'vite.main.config.mts', target: 'main' },
          { entry: 'src/preload/preload.ts', config: 'vite.preload.config.mts', target: 'preload' },
          // A build of its own: see js/vite.js.
          { entry: 'src/worker/main.ts', config: path.join(__dirname, 'vite.worker.config.mts'), target: 'main' },
        ],
        renderer: [{ name: 'main_window', config: 'vite.renderer.config.mts' }],
      },
    },
    {
      name: '@electron-forge/plugin-fuses',
      config: {
        version: '1',
        // A utility process needs none of the first three, so that the app cannot be used as a Node.
        [fuse.runAsNode]: false,
        [fuse.nodeOptionsVariable]: false,
        [fuse.nodeInspectArguments]: false,
        [fuse.cookieEncryption]: true,
        // The worker's entry is inside the archive. The addon is not: the operating system's code signature covers it.
        [fuse.embeddedAsarIntegrityValidation]: true,
        [fuse.onlyLoadAppFromAsar]: true,
      },
    },
  ],
};

module.exports = config;
