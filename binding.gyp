# What is built: the engine as a static library, the addon around it, and the engine as a shared library for hosts that are
# not Node (a test loads it into a program built on BoringSSL). The C test programs are targets of the same kind, which
# scripts/setup/addon.js adds when tests are built: nobody who only builds the addon needs the test framework.
{
  'variables': {
    'llm_jobs_sanitize%': '',
    'node_root_dir%': '/no/node/headers',
    'llm_jobs_gcc%': '<!(node scripts/gyp.js gcc)',
    'llm_jobs_root%': '<!(node scripts/gyp.js root)',
    'llm_jobs_libraries%': '<!(node scripts/gyp.js libraries)',
  },
  'targets': [
    {
      'target_name': 'schema_ddl',
      'type': 'none',
      'actions': [{
        'action_name': 'embed_schema',
        'inputs': ['js/schema.json', 'js/schema.js', 'scripts/embed-schema.js'],
        'outputs': ['<(SHARED_INTERMEDIATE_DIR)/schema_ddl.h'],
        'action': ['node', 'scripts/embed-schema.js', '<@(_outputs)'],
      }],
    },
    {
      'target_name': 'llmjobs',
      'includes': ['scripts/gyp/c.gypi'],
      'type': 'static_library',
      'product_prefix': 'lib', # node-gyp takes it away from every target
      # A whole archive, not an index of object files: other programs link it.
      'standalone_static_library': 1,
      'hard_dependency': 1,
      'dependencies': ['schema_ddl'],
      'sources': ['<!@(node scripts/gyp.js engine <(OS))'],
      'include_dirs': ['<(SHARED_INTERMEDIATE_DIR)'],
      'direct_dependent_settings': {'include_dirs': ['src', '<(SHARED_INTERMEDIATE_DIR)']},
      'link_settings': {
        'libraries': ['<!@(node scripts/gyp.js archives "<(llm_jobs_libraries)")'],
        'conditions': [
          ['OS=="win"', {
            'libraries': [
              '-lws2_32.lib', '-lcrypt32.lib', '-lbcrypt.lib', '-ladvapi32.lib', '-luser32.lib', '-lsecur32.lib', '-liphlpapi.lib',
            ],
          }, {
            'libraries': ['-lpthread', '-lm'],
          }],
          ['OS=="linux"', {'libraries': ['-ldl']}],
          # curl reads the system's proxies and names.
          ['OS=="mac"', {'libraries': [
            '$(SDKROOT)/System/Library/Frameworks/CoreFoundation.framework', '$(SDKROOT)/System/Library/Frameworks/CoreServices.framework',
            '$(SDKROOT)/System/Library/Frameworks/Security.framework', '$(SDKROOT)/System/Library/Frameworks/SystemConfiguration.framework',
          ]}],
        ],
      },
    },
    {
      'target_name': 'llm_jobs_native',
      'includes': ['scripts/gyp/c.gypi'],
      'type': 'loadable_module',
      'product_extension': 'node',
      'win_delay_load_hook': 'true',
      'dependencies': ['llmjobs'],
      'sources': ['<!@(node scripts/gyp.js addon)'],
      'defines': ['NAPI_VERSION=9', 'NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED'],
      'conditions': [
        ['OS!="win"', {'cflags': ['-isystem', '<(node_root_dir)/include/node']}, {'include_dirs/': [['include', 'include/node$']]}],
        ['OS=="linux"', {
          'ldflags': [
            # Hidden twice: the archives' symbols by --exclude-libs, everything but the entry points by the version script.
            '-Wl,--exclude-libs,ALL',
            '-Wl,--version-script=<(llm_jobs_root)/scripts/gyp/addon.map',
            # OpenSSL leaves destructors behind in threads of the host, so its code must stay when a worker thread that
            # required the addon ends.
            '-Wl,-z,nodelete',
            '-static-libgcc',
          ],
        }],
        ['OS=="linux" and llm_jobs_sanitize==""', {'configurations': {'Release': {'ldflags': ['-Wl,--strip-all']}}}],
        ['OS=="mac"', {
          'xcode_settings': {
            # gyp gives cflags to no compiler of Apple's.
            'OTHER_CFLAGS': ['-isystem', '<(node_root_dir)/include/node'],
            'DEAD_CODE_STRIPPING': 'YES',
            'OTHER_LDFLAGS': ['-Wl,-exported_symbols_list,<(llm_jobs_root)/scripts/gyp/addon.exp'],
          },
        }],
      ],
    },
    {
      'target_name': 'llmjobs_host_so',
      'includes': ['scripts/gyp/c.gypi'],
      'type': 'shared_library',
      'product_name': 'llmjobs',
      'product_prefix': 'lib',
      'dependencies': ['llmjobs'],
      'conditions': [
        ['OS=="linux"', {
          'product_extension': 'so',
          'ldflags': [
            # As the addon, but the engine's own archive is not excluded: its functions are what this library is for.
            '-Wl,--exclude-libs,libcurl.a:libnghttp2.a:libssl.a:libcrypto.a:libsqlite3.a:libcjson.a:libpcre2-8.a',
            '-Wl,--version-script=<(llm_jobs_root)/scripts/gyp/engine.map',
            '-Wl,-z,nodelete',
            '-static-libgcc',
          ],
        }],
      ],
    },
  ],
}
