#!/usr/bin/env bash
# Installs VS Code's JSON language service for the tests of the schemas, see npm.sh.
exec "$(dirname "${BASH_SOURCE[0]}")/npm.sh" vscode internal/schema/testdata/vscode
