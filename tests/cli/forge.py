"""What somebody can write who holds keys, a case directory and time: custody events, checkpoints, signed commits, age headers.

Written from the formats alone (C2SP signed-note and tlog-checkpoint, RFC 6962, OpenSSH PROTOCOL.key and PROTOCOL.sshsig, git's objects,
age v1), so that what the program accepts and refuses is judged by another hand than its own. Ed25519, X25519 and ChaCha20-Poly1305 are
libcrypto's, by ctypes: it is there wherever ssh-keygen is.
"""
import base64, ctypes, datetime, hashlib, hmac, json, os, pathlib, shutil, struct, subprocess, zlib

# ---- libcrypto ----

libcrypto = ctypes.CDLL("libcrypto.so.3")
for name in ("EVP_PKEY_new_raw_private_key", "EVP_PKEY_new_raw_public_key", "EVP_MD_CTX_new", "EVP_PKEY_CTX_new", "EVP_CIPHER_CTX_new",
             "EVP_chacha20_poly1305"):
    getattr(libcrypto, name).restype = ctypes.c_void_p
ED25519, X25519 = 1087, 1034


def pointer(value):
    return ctypes.c_void_p(value)


def private_key(kind, secret):
    return pointer(libcrypto.EVP_PKEY_new_raw_private_key(kind, None, secret, ctypes.c_size_t(32)))


def public_of(key):
    out, size = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
    assert libcrypto.EVP_PKEY_get_raw_public_key(key, out, ctypes.byref(size)) == 1
    return out.raw


def x25519(secret, peer):
    out, size = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
    context = pointer(libcrypto.EVP_PKEY_CTX_new(private_key(X25519, secret), None))
    assert libcrypto.EVP_PKEY_derive_init(context) == 1
    assert libcrypto.EVP_PKEY_derive_set_peer(context, pointer(libcrypto.EVP_PKEY_new_raw_public_key(X25519, None, peer, ctypes.c_size_t(32)))) == 1
    assert libcrypto.EVP_PKEY_derive(context, out, ctypes.byref(size)) == 1
    return out.raw


def chacha20_poly1305(key, data, encrypt):
    """Under the nonce of zeros, as age wraps its file keys."""
    context = pointer(libcrypto.EVP_CIPHER_CTX_new())
    text, tag = (data, ctypes.create_string_buffer(16)) if encrypt else (data[:-16], ctypes.create_string_buffer(data[-16:], 16))
    out, size = ctypes.create_string_buffer(len(text) + 16), ctypes.c_int()
    assert libcrypto.EVP_CipherInit_ex(context, pointer(libcrypto.EVP_chacha20_poly1305()), None, key, bytes(12), int(encrypt)) == 1
    if not encrypt:
        assert libcrypto.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, tag) == 1
    assert libcrypto.EVP_CipherUpdate(context, out, ctypes.byref(size), text, len(text)) == 1
    done = size.value
    assert libcrypto.EVP_CipherFinal_ex(context, ctypes.create_string_buffer(16), ctypes.byref(size)) == 1, "does not authenticate"
    if encrypt:
        assert libcrypto.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, tag) == 1
    return out.raw[:done] + (tag.raw if encrypt else b"")


# ---- keys ----

def ssh_string(data):
    return struct.pack(">I", len(data)) + data


class Key:
    """An Ed25519 key as OpenSSH keeps it."""

    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        self.handle = private_key(ED25519, self.seed)
        self.public = public_of(self.handle)
        self.blob = ssh_string(b"ssh-ed25519") + ssh_string(self.public)
        self.text = "ssh-ed25519 " + base64.b64encode(self.blob).decode()

    @staticmethod
    def read(path):
        lines = pathlib.Path(path).read_text().split("\n")
        data = base64.b64decode("".join(lines[1:lines.index("-----END OPENSSH PRIVATE KEY-----")]))
        at = data.index(struct.pack(">I", 64), data.index(b"ssh-ed25519", 90)) + 4
        return Key(data[at:at + 32])

    def file_text(self):
        inner = bytes(8) + ssh_string(b"ssh-ed25519") + ssh_string(self.public) + ssh_string(self.seed + self.public) + ssh_string(b"x")
        inner += bytes(range(1, 1 + -len(inner) % 8))
        data = b"openssh-key-v1\0" + ssh_string(b"none") * 2 + ssh_string(b"") + struct.pack(">I", 1) + ssh_string(self.blob) + ssh_string(inner)
        return "-----BEGIN OPENSSH PRIVATE KEY-----\n%s-----END OPENSSH PRIVATE KEY-----\n" % base64.encodebytes(data).decode()

    def sign(self, data):
        out, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
        context = pointer(libcrypto.EVP_MD_CTX_new())
        assert libcrypto.EVP_DigestSignInit(context, None, None, None, self.handle) == 1
        assert libcrypto.EVP_DigestSign(context, out, ctypes.byref(size), data, ctypes.c_size_t(len(data))) == 1
        libcrypto.EVP_MD_CTX_free(context)
        return out.raw

    def sshsig(self, data):
        """What `ssh-keygen -Y sign -n git` writes."""
        fields = ssh_string(b"git") + ssh_string(b"") + ssh_string(b"sha512")
        signature = self.sign(b"SSHSIG" + fields + ssh_string(hashlib.sha512(data).digest()))
        data = b"SSHSIG" + struct.pack(">I", 1) + ssh_string(self.blob) + fields + ssh_string(ssh_string(b"ssh-ed25519") + ssh_string(signature))
        text = base64.b64encode(data).decode()
        lines = [text[i:i + 70] for i in range(0, len(text), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----"])


def collector_file(case):
    files = list(pathlib.Path(case, "private").glob("collector-*.key"))
    assert len(files) == 1, "not one collector key: %s" % files
    return files[0]


def put_collector(case, key):
    """The only collector key of the case from now on."""
    private = pathlib.Path(case, "private")
    for file in private.glob("collector-*.key"):
        file.unlink()
    file = private / ("collector-%s.key" % hashlib.sha256(key.public).hexdigest()[:16])
    file.write_text(key.file_text())
    file.chmod(0o600)


# ---- texts ----

def spell(record):
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def note_line(name, key, text):
    identity = hashlib.sha256(name.encode() + b"\n\x01" + key.public).digest()[:4]
    return "\u2014 %s %s\n" % (name, base64.b64encode(identity + key.sign(text)).decode())


class Merkle:
    """RFC 6962, of a tree that grows."""

    def __init__(self):
        self.size, self.stack = 0, []

    def add(self, data):
        node, self.size = hashlib.sha256(b"\0" + data).digest(), self.size + 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            node = hashlib.sha256(b"\1" + self.stack.pop() + node).digest()
        self.stack.append(node)

    def root(self):
        node = self.stack[-1]
        for left in reversed(self.stack[:-1]):
            node = hashlib.sha256(b"\1" + left + node).digest()
        return node


# ---- the log ----

class Step:
    def __init__(self, event, signers, signature, checkpoint):
        self.event, self.signers, self.signature, self.checkpoint = event, signers, signature, checkpoint

    def record(self):
        """A copy, to be changed."""
        return json.loads(self.event)


def git(case, *words, **more):
    return subprocess.run(["git", "-C", "%s/trail" % case, *words], check=True, stdout=subprocess.PIPE, **more).stdout


def tree_entry(mode, name, blob):
    return b"%s %s\0" % (mode.encode(), name.encode()) + bytes.fromhex(blob)


def pack_entry(kind, data):
    number, size = ["commit", "tree", "blob"].index(kind) + 1, len(data)
    head, size = [number << 4 | size & 15], size >> 4
    while size:
        head[-1] |= 0x80
        head, size = head + [size & 127], size >> 7
    return bytes(head) + zlib.compress(data, 0)


def event_path(number):
    text = "%08d" % number
    return "events/%s/%s/%s.json" % (text[:4], text[4:6], text)


class Log:
    """The custody log of a case in memory, to be cut, continued and written back as if it had always been so."""

    def __init__(self, case):
        self.case = case
        self.log_key = Key.read("%s/private/log.key" % case)
        commits = git(case, "rev-list", "--reverse", "HEAD").decode().split()
        wanted = ["%s:case.json" % commits[0], "%s:recipients" % commits[0]]
        for number, commit in enumerate(commits):
            wanted += [commit, "%s:%s" % (commit, event_path(number)), "%s:allowed_signers" % commit, "%s:checkpoint" % commit]
        found = self._objects(wanted)
        self.case_file, self.recipients = found[:2]
        self.origin = json.loads(self.case_file)["log"]["origin"]
        self.tip, self.steps = commits[-1], []
        for commit, event, signers, checkpoint in zip(*[iter(found[2:])] * 4):
            assert spell(json.loads(event)) + b"\n" == event, "events are spelt differently from what this forger thinks"
            header = commit.split(b"\n\n")[0].decode()
            signature = header[header.index("gpgsig ") + 7:].replace("\n ", "\n")
            self.steps.append(Step(event, signers, signature, checkpoint))

    def _objects(self, names):
        data = git(self.case, "cat-file", "--batch", input="\n".join(names).encode() + b"\n")
        found, at = [], 0
        for _ in names:
            end = data.index(b"\n", at)
            size = int(data[at:end].split()[2])
            found.append(data[end + 1:end + 1 + size])
            at = end + size + 2
        return found

    def whole(self):
        """Made ready to be continued as it is."""
        self.cut(len(self.steps))
        assert self.head == self.tip, "commits are spelt differently from what this forger thinks"
        return self

    def cut(self, size):
        """Forgets all from event `size` on, and returns it. What is left can be continued."""
        steps = self.steps
        self.steps, self.tree, self.head, self.objects, self.folder, self.full_folders = [], Merkle(), None, {}, b"", []
        for step in steps[:size]:
            self.append(step.event, step.signers, signature=step.signature, checkpoint=step.checkpoint)
        return steps[size:]

    def last_seal(self):
        records = (step.record() for step in reversed(self.steps))
        return next((record["seal"] for record in records if record["type"] == "acquire"), None)

    def _object(self, kind, data):
        name = hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest()
        self.objects[name] = (kind, data)
        return name

    def _trees(self, event, signers, checkpoint):
        number = len(self.steps)
        if number % 100 == 0:
            self.full_folders += [self._object("tree", self.folder)] if self.folder else []
            self.folder = b""
        self.folder += tree_entry("100644", "%08d.json" % number, self._object("blob", event))
        folders = [*self.full_folders, self._object("tree", self.folder)]
        inner = self._object("tree", b"".join(tree_entry("40000", "%02d" % i, name) for i, name in enumerate(folders)))
        entries = [tree_entry("100644", "allowed_signers", self._object("blob", signers)),
                   tree_entry("100644", "case.json", self._object("blob", self.case_file)),
                   tree_entry("100644", "checkpoint", self._object("blob", checkpoint)),
                   tree_entry("40000", "events", self._object("tree", tree_entry("40000", "0000", inner))),
                   tree_entry("100644", "recipients", self._object("blob", self.recipients))]
        return self._object("tree", b"".join(entries))

    def _message(self, record, event):
        seal, kind = record.get("seal"), record["type"]
        lines = ["Event %d: %s%s" % (record["event"], kind, " EX%04d" % seal["exhibit"] if seal else ""), "",
                 "Vestige-Event: %d" % record["event"], "Event-SHA256: %s" % sha256(event)]
        lines += ["Previous-SHA256: %s" % record["previous"]] if record["previous"] else []
        return "\n".join(lines + ["Log-Size: %d" % self.tree.size, "Log-Root: %s" % self.tree.root().hex(), ""])

    def append(self, event, signers, key=None, signature=None, checkpoint=None):
        """The next event, as it stands. `key` makes whatever of commit signature and checkpoint is not given."""
        record = json.loads(event)
        self.tree.add(event)
        if checkpoint is None:
            text = ("%s\n%d\n%s\n" % (self.origin, self.tree.size, base64.b64encode(self.tree.root()).decode())).encode()
            lines = note_line(self.origin, self.log_key, text) + note_line(record["actor"], key, text)
            checkpoint = text + b"\n" + lines.encode()
        person = "%s <%s> %d +0000" % (record["actor"], record["actor"], int(datetime.datetime.strptime(
            record["time"][:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp()))
        header = ["tree " + self._trees(event, signers, checkpoint)] + (["parent " + self.head] if self.head else [])
        header += ["author " + person, "committer " + person]
        message = "\n\n" + self._message(record, event)
        signature = signature or key.sshsig(("\n".join(header) + message).encode())
        self.head = self._object("commit", ("\n".join([*header, "gpgsig " + signature.replace("\n", "\n ")]) + message).encode())
        self.steps.append(Step(event, signers, signature, checkpoint))

    def follow(self, record, key, next_key=None, signers=None):
        """The next event, with all in it that links it to this log. With a next key the collector's line becomes that key's."""
        record["event"] = len(self.steps)
        record["previous"] = sha256(self.steps[-1].event) if self.steps else None
        if next_key:
            lines = [] if not self.steps else [line for line in self.steps[-1].signers.decode().splitlines() if not line.startswith("collector@")]
            line = '%s namespaces="git" %s' % (record["actor"], "%s")
            genesis = [line % key.text] if not self.steps else []
            signers = ("\n".join([*genesis, line % next_key.text, *lines]) + "\n").encode()
            record["next_key"] = next_key.text
        record["allowed_signers_sha256"] = sha256(signers)
        seal = self.last_seal()
        if "seal" in record:
            record["seal"]["predecessor"] = sha256(spell(seal)) if seal else None
        self.append(spell(record) + b"\n", signers, key)

    def write(self):
        """Into the case, leaving no trace of what was there before: objects, branch, index, reflogs, work tree."""
        trail = pathlib.Path(self.case, "trail")
        pack = b"PACK" + struct.pack(">II", 2, len(self.objects)) + b"".join(pack_entry(*entry) for entry in self.objects.values())
        git_dir = trail / ".git"
        shutil.rmtree(git_dir / "objects")
        (git_dir / "objects").mkdir()
        git(self.case, "index-pack", "--stdin", input=pack + hashlib.sha1(pack).digest())
        for name in ("packed-refs", "refs/heads/main"):
            (git_dir / name).unlink(missing_ok=True)
        (git_dir / "refs/heads/main").write_text(self.head + "\n")
        git(self.case, "read-tree", "HEAD")
        shutil.rmtree(git_dir / "logs", ignore_errors=True)
        files = {event_path(number): step.event for number, step in enumerate(self.steps)}
        files.update({"case.json": self.case_file, "recipients": self.recipients, "allowed_signers": self.steps[-1].signers,
                      "checkpoint": self.steps[-1].checkpoint})
        for file in trail.glob("events/*/*/*"):
            if str(file.relative_to(trail)) not in files:
                file.unlink()
        for path, data in files.items():
            file = trail / path
            if not file.exists() or file.read_bytes() != data:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.unlink(missing_ok=True)
                file.write_bytes(data)


# ---- exhibits ----

def exhibit_path(case, number):
    return pathlib.Path(case, "exhibits", "EX%04d.tar.zst.age" % number)


def age_split(data):
    """Header with its MAC line, and payload."""
    at = data.index(b"\n", data.index(b"\n---") + 1) + 1
    return data[:at], data[at:]


def state_file(seal, data):
    """The seal as of this exhibit file; what is inside is not looked at."""
    payload = age_split(data)[1]
    seal["file"] = {"sha256": sha256(data), "bytes": len(data)}
    seal["payload"] = {"sha256": sha256(payload), "bytes": len(payload)}


def seal_text(case, number, text):
    """A new exhibit file over any text, sealed to the recipients of the case. Returns its bytes."""
    file = exhibit_path(case, number)
    file.unlink(missing_ok=True)
    subprocess.run(["age", "-R", "%s/trail/recipients" % case, "-o", file], input=text.encode(), check=True)
    return file.read_bytes()


def hkdf(secret, salt, info):
    return hmac.digest(hmac.digest(salt or bytes(32), secret, "sha256"), info + b"\1", "sha256")


def base64_open(data):
    return base64.b64encode(data).rstrip(b"=")


def base64_close(text):
    return base64.b64decode(text + b"=" * (-len(text) % 4))


def bech32_data(text):
    """The bytes of a bech32 text whose checksum is taken on trust."""
    words = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(c) for c in text.lower().rpartition("1")[2]][:-6]
    bits = "".join("%05d" % int(bin(word)[2:]) for word in words)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits) - 7, 8))


def age_rewrap(data, identity_text):
    """The same payload behind a new header: the file key is wrapped anew for the one X25519 recipient that could open it."""
    header, payload = age_split(data)
    identity = bech32_data(identity_text)
    own = public_of(private_key(X25519, identity))
    lines = header.split(b"\n")
    ephemeral = base64_close(lines[1].split()[2])
    info = b"age-encryption.org/v1/X25519"
    file_key = chacha20_poly1305(hkdf(x25519(identity, ephemeral), ephemeral + own, info), base64_close(lines[2]), False)
    secret = os.urandom(32)
    share = public_of(private_key(X25519, secret))
    body = chacha20_poly1305(hkdf(x25519(secret, own), share + own, info), file_key, True)
    header = b"\n".join([lines[0], b"-> X25519 " + base64_open(share), base64_open(body), b"---"])
    return header + b" " + base64_open(hmac.digest(hkdf(file_key, b"", b"header"), header, "sha256")) + b"\n" + payload
