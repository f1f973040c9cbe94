#!/usr/bin/env bash
# Resolve every dependency anew into the lock files: exact versions and digests, no addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
uv="$(command -v uv || echo .venv/bin/uv)"
options=(--quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
  --no-annotate "$@")
"$uv" pip compile "${options[@]}" pyproject.toml --output-file requirements.lock
"$uv" pip compile "${options[@]}" pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock
"$uv" pip compile "${options[@]}" --group pyproject.toml:node --output-file requirements-node.lock
(cd frontend && npm install --package-lock-only --ignore-scripts --no-audit --no-fund)
if grep -nE '://' requirements*.lock || grep -n '"resolved"' frontend/package-lock.json; then
  echo "A lock file names an address; it must not." >&2
  exit 1
fi
