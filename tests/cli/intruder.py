"""An intruder's work on a case of which everything is at hand, for tests: each command changes the case in place.

  live CASE COUNT              no intruder: COUNT honest days more, as the host's own key makes them
  resign CASE K KEY            a false EX of event K, and events K to the end made anew and signed with KEY
  resign-one CASE K KEY        the same, but later events keep their own signatures
  sign-in CASE K KEY           lists KEY in the allowed_signers of event K-1, and goes on as resign does
  recreate CASE                every event from the first made anew, by keys that evolve as they should
  continue CASE K KEY COUNT    cuts the log to K events and adds COUNT false ones, the first signed with KEY
  replay CASE K HOW KEY [ID]   EX of event K once more under the next number; HOW: same file, header (a stanza more), spoilt (last byte),
                               rewrap (by the age identity ID: another header, the same payload), again (by ID: opened and sealed anew)
  other-root CASE K KEY        signs the last event again, its seal now with the Merkle root of the exhibit of event K
  drop CASE K [KEY]            takes event K out; without KEY all keeps its signatures
  reorder CASE K [KEY]         events K and K+1 change places
  search CASE KEY…             names files below CASE in which the secret of a KEY lies

KEY is a private key file, or `own` (made for the purpose).
"""
import datetime, os, pathlib, subprocess, sys

from forge import Key, Log, age_rewrap, age_split, collector_file, exhibit_path, put_collector, seal_text, state_file


def key_of(word):
    return Key() if word == "own" else Key.read(word)


def next_day(log, exhibit, data, days_ago=0):
    """The record of one more baseline, in the manner of the last one."""
    record = next(step.record() for step in reversed(log.steps) if step.record()["type"] == "acquire")
    time = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days_ago)
    record["time"] = record["seal"]["started"] = record["seal"]["sealed"] = time.strftime("%Y-%m-%dT%H:%M:%S.000000001Z")
    record["seal"]["exhibit"] = exhibit
    record["seal"]["merkle"]["root"] = os.urandom(32).hex()
    if "series" in record["seal"]:
        record["seal"]["series"]["full"] = exhibit
    state_file(record["seal"], data)
    return record


def add_days(log, key, count, text):
    """COUNT baselines more, each signed with the key that the one before names. Returns the key of the coming one."""
    for i in range(count):
        exhibit = log.last_seal()["exhibit"] + 1
        following = Key()
        log.follow(next_day(log, exhibit, seal_text(log.case, exhibit, "%s %d" % (text, exhibit)), count - i), key, following)
        key = following
    return key


def live(log, count):
    key = add_days(log.whole(), Key.read(collector_file(log.case)), int(count), "baseline")
    log.write()
    put_collector(log.case, key)


def falsify(log, record):
    state_file(record["seal"], seal_text(log.case, record["seal"]["exhibit"], "what the intruder would rather have been found"))


def resign_from(log, later, key, falsifies=True):
    for i, step in enumerate(later):
        record = step.record()
        if i == 0 and falsifies:
            falsify(log, record)
        log.follow(record, key, signers=step.signers)


def resign(log, k, key):
    resign_from(log, log.cut(int(k)), key_of(key))
    log.write()


def resign_one(log, k, key):
    later = log.cut(int(k))
    resign_from(log, later[:1], key_of(key))
    for step in later[1:]:
        log.append(step.event, step.signers, signature=step.signature, checkpoint=step.checkpoint)
    log.write()


def sign_in(log, k, key):
    key = key_of(key)
    before, *later = log.cut(int(k) - 1)
    old = before.record()["next_key"]
    log.append(before.event, before.signers.replace(old.encode(), key.text.encode()), signature=before.signature, checkpoint=before.checkpoint)
    resign_from(log, later, key)
    log.write()


def recreate(log):
    key = Key()
    for i, step in enumerate(log.cut(0)):
        record, following = step.record(), Key()
        if i == 200:
            falsify(log, record)
        log.follow(record, key, following)
        key = following
    log.write()
    put_collector(log.case, key)


def go_on(log, k, key, count):
    for step in log.cut(int(k)):
        exhibit_path(log.case, step.record()["seal"]["exhibit"]).unlink()
    key = add_days(log, key_of(key), int(count), "what the intruder would rather have been found")
    log.write()
    put_collector(log.case, key)


def replay(log, k, how, key, identity=None):
    data = exhibit_path(log.case, log.steps[int(k)].record()["seal"]["exhibit"]).read_bytes()
    header, payload = age_split(data)
    if how == "header":  # a stanza more, as anyone can add one; only with the file key is it seen that the MAC does not fit
        data = header.replace(b"\n---", b"\n-> more-grease\nAAAA\n---") + payload
    elif how == "rewrap":
        lines = pathlib.Path(identity).read_text().split("\n")
        data = age_rewrap(data, next(line for line in lines if line.startswith("AGE-SECRET-KEY-1")))
    elif how == "again":
        plain = subprocess.run(["age", "-d", "-i", identity], input=data, stdout=subprocess.PIPE, check=True).stdout
        data = subprocess.run(["age", "-R", "%s/trail/recipients" % log.case], input=plain, stdout=subprocess.PIPE, check=True).stdout
    elif how == "spoilt":
        data = data[:-1] + bytes([data[-1] ^ 1])
    exhibit = log.whole().last_seal()["exhibit"] + 1
    exhibit_path(log.case, exhibit).write_bytes(data)
    record, following = next_day(log, exhibit, data), Key()
    record["seal"]["merkle"] = log.steps[int(k)].record()["seal"]["merkle"]
    record["seal"]["counts"] = log.steps[int(k)].record()["seal"]["counts"]
    log.follow(record, key_of(key), following)
    log.write()
    put_collector(log.case, following)


def other_root(log, k, key):
    following = Key()
    record = log.cut(len(log.steps) - 1)[0].record()
    record["seal"]["merkle"]["root"] = log.steps[int(k)].record()["seal"]["merkle"]["root"]
    log.follow(record, key_of(key), following)
    log.write()
    put_collector(log.case, following)


def search(log, *keys):
    secrets = []
    for file in keys:
        body = pathlib.Path(file).read_bytes().split(b"\n")
        secrets += [Key.read(file).seed, *body[3:5]]  # as it is, and as the lines of base64 that hold it
    for file in pathlib.Path(log.case).rglob("*"):
        if file.is_file() and any(secret in file.read_bytes() for secret in secrets):
            print(file)


def rearrange(log, k, order, key):
    later = log.cut(int(k))
    key = key and key_of(key)
    for step in [later[i] for i in order] + later[2:]:
        if key:
            log.follow(step.record(), key, signers=step.signers)
        else:
            log.append(step.event, step.signers, signature=step.signature, checkpoint=step.checkpoint)
    log.write()


def drop(log, k, key=None):
    exhibit_path(log.case, log.steps[int(k)].record()["seal"]["exhibit"]).unlink()
    rearrange(log, k, [1], key)


def reorder(log, k, key=None):
    rearrange(log, k, [1, 0], key)


commands = {"live": live, "resign": resign, "resign-one": resign_one, "sign-in": sign_in, "recreate": recreate, "continue": go_on, "replay": replay,
            "other-root": other_root, "drop": drop, "reorder": reorder, "search": search}
commands[sys.argv[1]](Log(sys.argv[2]), *sys.argv[3:])
