#!/bin/bash
# Runs the commands of standard input as a user types them, and prints them and their
# output. It runs as the user, in a session with a bus.
cd || exit
export PATH=~/offline:~/.local/bin:$PATH
while IFS= read -r command <&3; do
	printf '$ %s\n' "$command"
	eval "$command" 2>&1 </dev/null || echo "exit status $?"
done 3<&0
