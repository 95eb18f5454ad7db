#!/usr/bin/env bash
# Debian's ForensicArtifacts definitions: each that is for Linux comes to patterns, a command, or a reason why not, as PyYAML and a few
# lines of Python read them.
# shellcheck source=tests/cli/lib.sh
. "$TESTS/cli/lib.sh"
need jq python3
definitions=/usr/share/artifacts
[[ -e $definitions/linux.yaml ]] || skip "the package forensic-artifacts is not installed"
python=/usr/bin/python3
"$python" -c 'import yaml' 2>"$err" || skip "python3-yaml is not installed"

cat >policies.py <<'PYTHON'
import glob, sys, yaml
names = []
for path in sorted(glob.glob(sys.argv[1] + "/*.yaml")):
    with open(path, encoding="utf-8") as file:
        for document in yaml.safe_load_all(file):
            if document and "Linux" in document.get("supported_os", ["Linux"]):
                names.append(document["name"])
for start in range(0, len(names), 200):  # a source takes so many names
    with open("policy-%d.yaml" % (start // 200), "w") as policy:
        policy.write("policy: p\nsources:\n")
        for i, name in enumerate(names[start:start + 200]):
            policy.write("  - {name: s%d, artifacts: [%s]}\n" % (i, name))
print(len(names))
PYTHON
count=$("$python" policies.py "$definitions")
((count > 200)) || fail "only $count definitions for Linux were found"
for policy in policy-*.yaml; do
	expect_exit 0 vestige policy check "$policy"
	assert_empty "$err" "something is wrong with Debian's definitions"
	expect_exit 0 vestige --json policy show "$policy"
	cat "$out" >>shown.json
done

cat >compare.py <<'PYTHON'
import glob, json, re, sys, yaml
known = {}
for path in sorted(glob.glob(sys.argv[1] + "/*.yaml")):
    with open(path, encoding="utf-8") as file:
        for document in yaml.safe_load_all(file):
            if document:
                known[document["name"]] = document
                for alias in document.get("aliases", []):
                    known.setdefault(alias, document)

def pattern(path):
    parts = []
    for part in path.split("/"):
        depth = re.fullmatch(r"\*\*(\d*)", part)
        if depth:
            levels = int(depth.group(1) or 10)
            parts += ["*"] + (["**%d" % (levels - 1)] if levels > 1 else [])
        else:
            parts.append(part.replace("\\", "\\\\"))
    return "/".join(parts)

def wanted(name, seen, patterns, commands, reasons):
    definition = known[name]
    if definition["name"] in seen:
        return
    seen.add(definition["name"])
    if "Linux" not in definition.get("supported_os", ["Linux"]):
        reasons.add((definition["name"], "for %s only" % ", ".join(definition["supported_os"])))
        return
    for source in definition["sources"]:
        attributes, kind = source["attributes"], source["type"]
        if "Linux" not in source.get("supported_os", ["Linux"]):
            reasons.add((definition["name"], "this %s is for %s only" % (kind, ", ".join(source["supported_os"]))))
        elif kind == "ARTIFACT_GROUP":
            for member in attributes["names"]:
                wanted(member, seen, patterns, commands, reasons)
        elif kind == "COMMAND":
            commands.add((attributes["cmd"], *attributes["args"]))
        elif kind in ("FILE", "PATH"):
            for path in attributes["paths"]:
                for home in ("/root", "/home/*") if "%%users.homedir%%" in path else ("",):
                    patterns.add(pattern(path).replace("%%users.homedir%%", home))
        else:
            reasons.add((definition["name"], "%s is for Windows" % kind))

checked = 0
for line in open("shown.json"):
    for source in json.loads(line)["sources"]:
        [name] = source["artifacts"]
        patterns, commands, reasons = set(), set(), set()
        wanted(name, set(), patterns, commands, reasons)
        got = [p for step in source["steps"] for p in step.get("paths", [])]
        assert len(got) == len(set(got)), "%s: a pattern twice" % name
        assert set(got) == patterns, "%s: %s" % (name, set(got) ^ patterns)
        assert {(s["command"], *s["arguments"]) for s in source["steps"] if s["kind"] == "command"} == commands, name
        assert {(s["artifact"], s["reason"]) for s in source["steps"] if "reason" in s} == reasons, name
        assert all(s["kind"] != "wrong" for s in source["steps"]), name
        assert source["steps"], "%s: nothing at all" % name
        checked += 1
print(checked)
PYTHON
assert_equal "$count" "$("$python" compare.py "$definitions")" "definitions that were compared"
