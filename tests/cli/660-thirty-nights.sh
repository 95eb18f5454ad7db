#!/usr/bin/env bash
# A month of a host that lives and is honest: nothing of severity high in any night, nor between the first and the last.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
# shellcheck source=tests/cli/host.sh
. "$TESTS/cli/host.sh"

begin_host
nothing_high
for ((night = 2; night <= 31; night++)); do
	live day
	cp findings.jsonl "findings.$night"
	nothing_high
done
