# How our own C is compiled, everywhere. Included by each target of binding.gyp and by the generated targets of the tests.
#
# node-gyp adds to every target what a C++ addon needs: Node's headers (with Node's copy of OpenSSL's, which must not meet
# ours), V8's macros, -O3. The lists with "/" and "!" take that out again; the addon alone puts Node's headers back.
{
  'type%': 'none',
  'win_delay_load_hook': 'false',
  'include_dirs/': [['exclude', 'include/node$'], ['exclude', '/deps/(openssl|uv|zlib|v8)'], ['exclude', '<(node_root_dir)/src$']],
  'include_dirs': ['../../src'],
  'defines/': [['exclude', '^(NODE_GYP_|USING_|V8_|_GLIBCXX_|__STDC_FORMAT|NODE_OPENSSL|OPENSSL_)']],
  'cflags!': ['-O3', '-Wno-unused-parameter', '-fno-omit-frame-pointer'],
  'ldflags!': ['-rdynamic'],
  'conditions': [
    ['OS=="win"', {
      # Windows 10. The libraries are static: without these their headers speak of DLLs.
      'defines': ['WIN32_LEAN_AND_MEAN', '_WIN32_WINNT=0x0A00', 'CURL_STATICLIB', 'NGHTTP2_STATICLIB', 'PCRE2_STATIC', 'CJSON_HIDE_SYMBOLS'],
      'msvs_settings': {'VCCLCompilerTool': {'LanguageStandard_C': 'stdc11', 'AdditionalOptions': ['/experimental:c11atomics', '/utf-8', '/I<(llm_jobs_libraries)/include']}},
    }, {
      'cflags': [
        '-std=c11', '-g', '-fPIC',
        '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Werror',
        # Nothing outside may replace our functions, so the compiler may inline them; the version scripts hide them.
        '-fno-semantic-interposition', '-ffunction-sections', '-fdata-sections',
        # -isystem: other people's headers are not held to our warnings.
        '-isystem', '<(llm_jobs_libraries)/include',
      ],
    }],
    # gcc guesses where snprintf may cut. Cutting is what we call it for, so a guess does not end the build.
    ['OS!="win" and llm_jobs_gcc=="yes"', {'cflags': ['-Wno-error=format-truncation']}],
    ['OS=="linux"', {
      'defines': ['_POSIX_C_SOURCE=200809L', '_DEFAULT_SOURCE', '_GNU_SOURCE'],
      'ldflags': ['-Wl,-z,relro,-z,now', '-Wl,-z,noexecstack', '-Wl,--as-needed', '-Wl,--gc-sections'],
    }],
    ['OS=="mac"', {
      'xcode_settings': {
        'GCC_C_LANGUAGE_STANDARD': 'c11', 'GCC_OPTIMIZATION_LEVEL': '2', 'MACOSX_DEPLOYMENT_TARGET': '11.0',
        'OTHER_CFLAGS': ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Werror', '-isystem', '<(llm_jobs_libraries)/include'],
      },
    }],
    ['OS!="win" and llm_jobs_sanitize==""', {
      'cflags': ['-O2', '-fstack-protector-strong', '-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2'],
    }],
    ['OS!="win" and llm_jobs_sanitize!=""', {
      'cflags': ['-O1', '-fno-omit-frame-pointer', '-fsanitize=<(llm_jobs_sanitize)', '-fno-sanitize-recover=all'],
      'ldflags': ['-fsanitize=<(llm_jobs_sanitize)'],
    }],
  ],
}
