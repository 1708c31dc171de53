#!/usr/bin/env bash
# Fails if bkt or bkt-engine calls code with a known vulnerability. If the database
# cannot be reached, it checks nothing, and says so. VULNDB is the address of another
# database, such as file:///FOLDER.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
db=${VULNDB:-https://vuln.go.dev}

# curl tests the connection first, because govulncheck loads all packages before.
status=0
curl -sSL -m 20 -o /dev/null "$db/index/modules.json.gz" 2>/dev/null || status=$?
case $status in
5 | 6 | 7 | 28) # no proxy, no such host, no connection, no answer
	echo "govulncheck: skipped: ${db#https://} is not reachable"
	exit
	;;
esac

# scan looks for vulnerable packages that are imported (package), or for vulnerable
# functions that are called (symbol).
scan() {
	"${GO:-go}" tool govulncheck -db "$db" -tags containers_image_openpgp -scan "$1" ./cmd/bkt ./cmd/bkt-engine
}

# Code that is not imported is not called. The check of imports takes a second, that
# of calls half a minute.
if found=$(scan package 2>&1); then
	echo "govulncheck: $found"
else
	scan symbol
fi
