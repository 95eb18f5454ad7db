#!/usr/bin/env bash
# The case that the first release made verifies, opens and reads the same in every later one (tools/make-golden made it).
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"

golden() { # TAR
	rm -rf case out ./*.txt ./*.jsonl identity checkpoint-*
	tar -xf "$1"
	local fingerprint
	fingerprint=$(sed -n '/^genesis/{s/^genesis *//;N;p}' init.txt | tr -d ' \n')
	[[ ${#fingerprint} == 64 ]] || fail "no fingerprint in init.txt"

	expect_exit 0 "$VESTIGE" -C case verify --deep -i identity --fingerprint "$fingerprint" --expect checkpoint-1
	expect_exit 0 "$VESTIGE" -C case verify --deep -i identity --fingerprint "$fingerprint" --expect checkpoint-2
	diff log.txt <("$VESTIGE" -C case log) || fail "the log reads differently"
	diff show-1.txt <("$VESTIGE" -C case show 1) || fail "the seal reads differently"
	diff ls-1.jsonl <("$VESTIGE" -q -C case --json ls -i identity 1) || fail "the items read differently"

	# Each content, by our reader and by stock tools, has the digest that the first release wrote down.
	expect_exit 0 "$VESTIGE" -q -C case extract -i identity 1 -o out
	mkdir stock
	age -d -i identity case/exhibits/EX0001.tar.zst.age | zstd -q -d | tar -x -C stock --no-same-owner
	local count=0 name digest
	while IFS=$'\t' read -r name digest; do
		[[ $(sha256sum <"out/items/$name" | cut -d' ' -f1) == "$digest" ]] || fail "$name differs"
		[[ $(sha256sum <"stock/items/$name" | cut -d' ' -f1) == "$digest" ]] || fail "$name differs by stock tools"
		count=$((count + 1))
	done < <(jq -r '.item | select(.sha256 and .type == "file" and (.sparse | not) and (.path | test("[^ -~]") | not))
		| [.source + .path, .sha256] | @tsv' ls-1.jsonl)
	((count >= 3)) || fail "only $count files were compared"
	rm -rf stock
}

found=0
for tar in "$TESTS"/data/golden-case-format-*.tar; do
	golden "$tar"
	found=$((found + 1))
done
((found > 0)) || fail "no golden case in tests/data"
