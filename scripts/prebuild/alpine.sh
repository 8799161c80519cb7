#!/bin/sh
# Makes the prebuilt addon for Linux with musl, on any machine with Docker, and runs a job with it on Node 24 and on Node 22:
#
#     sh scripts/prebuild/alpine.sh
#
# It is of the machine's own processor. What is compiled stays below build/, so a second run is quicker.
set -eu
cd "$(dirname "$0")/../.."

alpine() {
  node=$1
  shift
  docker run --rm --volume "$PWD:/llm-jobs" --workdir /llm-jobs --env LLM_JOBS_CACHE=/llm-jobs/build/cache \
    "node:$node-alpine3.22" /bin/sh -euc "$*"
}

# The second container has no compiler: there the addon runs, or it does not.
alpine 24 'apk add --no-cache build-base linux-headers python3 git bash cmake samurai curl zip unzip tar perl pkgconf
  git config --global --add safe.directory "*"
  npm run prebuild'
alpine 22 'npm run prebuild:check'
