#!/usr/bin/env python3
"""A verifier of receipts and exported ledgers, written from docs/formats.md alone.

    verify.py receipt RECEIPT.json POLICY.toml
    verify.py export DIR POLICY.toml

Needs Python 3.11 and the program openssl (3.0 or newer). Exits with 0 when everything holds, with 1 when something does
not, with 2 when it was called wrongly. Numbers in comments are the document's sections.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


class Wrong(Exception):
    """What does not hold."""


def demand(holds, why):
    if not holds:
        raise Wrong(why)


# 1. Conventions

def unbase64(text):
    demand(isinstance(text, str) and text.isascii(), "no base64")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong("no base64") from None
    demand(base64.b64encode(data).decode() == text, "base64 in another spelling")
    return data


def digest_of_hex(text):
    demand(isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text), "no digest in lower-case hex")
    return bytes.fromhex(text)


def read_json(text, fields=None):
    """A JSON object; with exactly these fields if they are given."""
    def once(pairs):
        demand(len({name for name, _ in pairs}) == len(pairs), "a field comes twice")
        return dict(pairs)
    try:
        value = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Wrong("no JSON") from None
    demand(isinstance(value, dict), "no JSON object")
    demand(fields is None or set(value) == set(fields), "the fields are others")
    return value


def decoded(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Wrong("no UTF-8") from None


def number(value):
    demand(type(value) is int and 0 <= value < 2**64, "no number")
    return value


def is_department(name):
    return isinstance(name, str) and re.fullmatch("[a-z][a-z0-9-]{0,62}[a-z0-9]", name) is not None


# Digests. SM3 (GB/T 32905-2016) by hand where Python's library has it not.

def sm3_by_hand(data):
    mask = 0xFFFFFFFF
    rotate = lambda x, n: ((x << n % 32) | (x >> (32 - n % 32))) & mask if n % 32 else x
    state = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E]
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + (8 * len(data)).to_bytes(8, "big")
    for start in range(0, len(padded), 64):
        w = [int.from_bytes(padded[i:i + 4], "big") for i in range(start, start + 64, 4)]
        for j in range(16, 68):
            x = w[j - 16] ^ w[j - 9] ^ rotate(w[j - 3], 15)
            w.append(x ^ rotate(x, 15) ^ rotate(x, 23) ^ rotate(w[j - 13], 7) ^ w[j - 6])
        a, b, c, d, e, f, g, h = state
        for j in range(64):
            ss1 = rotate((rotate(a, 12) + e + rotate(0x79CC4519 if j < 16 else 0x7A879D8A, j)) & mask, 7)
            ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
            gg = e ^ f ^ g if j < 16 else (e & f) | (~e & mask & g)
            tt1 = (ff + d + (ss1 ^ rotate(a, 12)) + (w[j] ^ w[j + 4])) & mask
            tt2 = (gg + h + ss1 + w[j]) & mask
            a, b, c, d, e, f, g, h = tt1, a, rotate(b, 9), c, tt2 ^ rotate(tt2, 9) ^ rotate(tt2, 17), e, rotate(f, 19), g
        state = [old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h))]
    return b"".join(word.to_bytes(4, "big") for word in state)


def sm3(data):
    try:
        return hashlib.new("sm3", data).digest()
    except ValueError:
        return sm3_by_hand(data)


DIGESTS = {"sm3": sm3, "sha256": lambda data: hashlib.sha256(data).digest()}


# 2. Keys and signatures

TAGS = {"ed25519": 1, "sm2": 2}
KEY_BYTES = {"ed25519": 32, "sm2": 65}
DER_HEADS = {"ed25519": "302a300506032b6570032100",
             "sm2": "3059301306072a8648ce3d020106082a811ccf5501822d034200"}
FIELD = 2**255 - 19
SMALL_Y = {0, 1, FIELD - 1} | {int.from_bytes(bytes.fromhex(y), "little") for y in (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")}


def is_small(point):
    return int.from_bytes(point, "little") % 2**255 % FIELD in SMALL_Y


class Key:
    def __init__(self, text):
        demand(isinstance(text, str) and ":" in text, "no key")
        self.text = text
        self.algorithm, encoded = text.split(":", 1)
        demand(self.algorithm in TAGS, "a key of an unknown algorithm")
        self.bytes = unbase64(encoded)
        demand(len(self.bytes) == KEY_BYTES[self.algorithm], "a key of another length")
        demand(self.algorithm != "sm2" or self.bytes[0] == 4, "an SM2 key in another form")
        demand(self.algorithm != "ed25519" or not is_small(self.bytes), "a weak key")
        self.id = sm3(text.encode())[:8]


def der_number(data):
    data = data.lstrip(b"\0") or b"\0"
    data = b"\0" + data if data[0] & 0x80 else data
    return bytes([2, len(data)]) + data


def fits(key, message, signature):
    if len(signature) != 64:
        return False
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"]
    if key.algorithm == "sm2":
        numbers = der_number(signature[:32]) + der_number(signature[32:])
        signature = bytes([0x30, len(numbers)]) + numbers
        command += ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    elif is_small(signature[:32]):
        return False
    with tempfile.TemporaryDirectory() as folder:
        files = {"-inkey": bytes.fromhex(DER_HEADS[key.algorithm]) + key.bytes, "-in": message, "-sigfile": signature}
        for option, data in files.items():
            path = Path(folder, option)
            path.write_bytes(data)
            command += [option, str(path)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def check_signatures(checks):
    """Each check: what it is of, key, message, signature."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for check, holds in zip(checks, pool.map(lambda check: fits(*check[1:]), checks)):
            demand(holds, f"the signature of {check[0]} does not fit")


# 3 and 4. Chain id and transaction

def chain_id(genesis_payload):
    return "mulu-" + sm3(genesis_payload).hex()[:16]


class Transaction:
    def __init__(self, data):
        demand(len(data) <= 61440 and data[:4] == b"MTX1" and len(data) >= 19, "no transaction")
        self.bytes, self.tag, self.key_id = data, data[4], data[5:13]
        demand(self.tag in TAGS.values(), "a transaction of an unknown algorithm")
        length = int.from_bytes(data[13:15], "big")
        demand(length <= 128 and len(data) >= 19 + length, "the signature's length is wrong")
        self.signature = data[15:15 + length]
        self.payload = data[19 + length:]
        demand(int.from_bytes(data[15 + length:19 + length], "big") == len(self.payload), "the payload's length is wrong")
        decoded(self.payload)

    def check(self, chain, key, what):
        demand(key.id == self.key_id and TAGS[key.algorithm] == self.tag, f"{what} names another key or algorithm")
        return (what, key, b"mulu-tx-v1\n" + chain.encode() + self.payload, self.signature)


# 6. Tree

def leaf_hash(digest, data):
    return digest(b"\0" + data)


def node_hash(digest, left, right):
    return digest(b"\1" + left + right)


def root_of_path(digest, leaf, index, size, path):
    demand(index < size, "the index is not in the tree")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        demand(sn != 0, "the path is too long")
        if fn % 2 == 1 or fn == sn:
            r = node_hash(digest, p, r)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn // 2, sn // 2
        else:
            r = node_hash(digest, r, p)
        fn, sn = fn // 2, sn // 2
    demand(sn == 0, "the path is too short")
    return r


def levels_of(digest, leaves):
    """Level by level the nodes over complete subtrees."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(digest, below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return levels


def root_of(digest, leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else digest(b"")
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(digest, root_of(digest, leaves[:k]), root_of(digest, leaves[k:]))


# 7 and 8. Checkpoint, note and cosignature

COSIGNATURE_TYPES = {"ed25519": b"\x04", "sm2": b"\xffmulu.sm2.cosignature.v1"}


class Checkpoint:
    """A checkpoint with the signature lines under it."""

    def __init__(self, note):
        demand(len(note.encode()) <= 65536 and note.endswith("\n"), "no note")
        text, found, lines = note.rpartition("\n\n")
        demand(found, "a note without signatures")
        self.text = text + "\n"
        demand(text and not self.text.startswith("\n") and "\n\n" not in self.text, "the note's text has an empty line")
        demand(all(c >= " " or c == "\n" for c in self.text), "the note's text has control characters")
        self.lines = [self.line(line) for line in lines[:-1].split("\n")]
        demand(1 <= len(self.lines) <= 256, "too many signatures")
        parts = self.text.split("\n")
        demand(len(parts) == 5 and parts[3].startswith("state "), "no checkpoint of four lines")
        self.chain = parts[0].removesuffix(" sm3")
        self.digest_name = "sm3" if parts[0].endswith(" sm3") else "sha256"
        demand(re.fullmatch("0|[1-9][0-9]{0,19}", parts[1]), "the size is no number")
        self.size = number(int(parts[1]))
        self.root, self.state = unbase64(parts[2]), unbase64(parts[3].removeprefix("state "))
        demand(len(self.root) == len(self.state) == 32, "root or state has another length")

    @staticmethod
    def line(line):
        parts = line.split(" ")
        demand(len(parts) == 3 and parts[0] == "\u2014" and parts[1], "no signature line")
        demand(not any(c.isspace() or c < " " or c == "\x7f" or c == "+" for c in parts[1]), "no key name")
        data = unbase64(parts[2])
        demand(len(data) >= 4, "a signature without key id")
        return parts[1], data[:4], data[4:]

    def cosigners(self, departments):
        """The departments that cosigned, and the signatures that are still to be checked for that."""
        found, checks = set(), []
        for department, keys in departments.items():
            name = f"{self.chain}/{department}"
            for key in keys:
                kind = COSIGNATURE_TYPES[key.algorithm]
                key_id = hashlib.sha256(name.encode() + b"\n" + kind + key.bytes).digest()[:4]
                for line_name, line_id, signature in self.lines:
                    if (line_name, line_id) != (name, key_id):
                        continue
                    time = int.from_bytes(signature[:8], "big")
                    demand(len(signature) == 72 and time < 2**63, f"the cosignature of {department} has no form")
                    message = f"cosignature/v1\ntime {time}\n{self.text}".encode()
                    checks.append((f"{department} under the checkpoint", key, message, signature[8:]))
                    found.add(department)
        return found, checks


# 10. Trust policy

class Policy:
    def __init__(self, path):
        try:
            form = tomllib.loads(Path(path).read_text("utf-8"))
        except ValueError:
            raise Wrong("the policy is no TOML") from None
        demand(set(form) <= {"chain", "signatures_min", "quorum", "departments", "groups"}, "the policy has other fields")
        demand(("signatures_min" in form) != ("quorum" in form), "either signatures_min or quorum")
        self.chain, self.groups = form.get("chain"), form.get("groups", {})
        self.minimum, self.quorum = form.get("signatures_min"), form.get("quorum")
        demand(isinstance(self.chain, str) and self.chain, "the policy has no chain")
        listed = {name: keys if isinstance(keys, list) else [keys] for name, keys in form.get("departments", {}).items()}
        demand(len(listed) <= 1024 and all(is_department(name) for name in listed), "departments of the policy")
        demand(all(1 <= len(keys) <= 64 for keys in listed.values()), "a department needs 1 to 64 keys")
        self.departments = {name: [Key(key) for key in keys] for name, keys in listed.items()}
        all_keys = [key.text for keys in self.departments.values() for key in keys]
        demand(len(all_keys) == len(set(all_keys)), "a key occurs twice")
        if self.minimum is not None:
            demand(1 <= number(self.minimum) <= len(self.departments), "signatures_min cannot be")
        self.check_groups()

    def check_groups(self):
        demand(self.quorum is None or self.quorum in self.groups, "quorum is no group")
        demand(len(self.groups) <= 256, "too many groups")
        for name, group in self.groups.items():
            demand(set(group) == {"at_least", "of"} and name not in self.departments, f"group {name}")
            of = group["of"]
            demand(len(set(of)) == len(of) and 1 <= number(group["at_least"]) <= len(of), f"group {name}")
            demand(all(member in self.departments or member in self.groups for member in of), f"group {name}")
        settled = set(self.departments)
        for _ in range(16):
            settled |= {name for name, group in self.groups.items() if settled.issuperset(group["of"])}
        demand(settled.issuperset(self.groups), "groups in a circle, or too deep")

    def is_enough(self, cosigners):
        if self.quorum is None:
            return len(cosigners) >= self.minimum
        holding = set(cosigners)
        for _ in range(16):
            holding |= {name for name, group in self.groups.items()
                        if len(holding.intersection(group["of"])) >= group["at_least"]}
        return self.quorum in holding

    def check(self, checkpoint):
        demand(checkpoint.chain == self.chain, "the checkpoint is of another chain")
        cosigners, checks = checkpoint.cosigners(self.departments)
        check_signatures(checks)
        demand(self.is_enough(cosigners), f"too few cosignatures: {', '.join(sorted(cosigners)) or 'none'}")
        return cosigners


# 9. Receipt

def verify_receipt(path, policy):
    data = Path(path).read_bytes()
    demand(len(data) <= 262144, "the receipt is too long")
    receipt = read_json(decoded(data), ("v", "chain", "hash", "index", "transaction", "inclusion", "checkpoint", "digest"))
    demand(number(receipt["v"]) == 1, "a receipt of another version")
    demand(isinstance(receipt["checkpoint"], str), "no note")
    checkpoint = Checkpoint(receipt["checkpoint"])
    demand(receipt["chain"] == checkpoint.chain == policy.chain, "the receipt is of another chain")
    demand(receipt["hash"] == checkpoint.digest_name, "the digest is not that of the checkpoint")
    transaction = Transaction(unbase64(receipt["transaction"]))
    known = [key for keys in policy.departments.values() for key in keys if key.id == transaction.key_id]
    check_signatures([transaction.check(policy.chain, key, "the transaction") for key in known])
    demand(isinstance(receipt["inclusion"], list) and len(receipt["inclusion"]) <= 64, "no path")
    digest = DIGESTS[checkpoint.digest_name]
    path = [digest_of_hex(text) for text in receipt["inclusion"]]
    leaf = leaf_hash(digest, transaction.bytes)
    root = root_of_path(digest, leaf, number(receipt["index"]), checkpoint.size, path)
    demand(root == checkpoint.root, "the path does not lead to the root")
    cosigners = policy.check(checkpoint)
    head = ["mulu-receipt-v1", receipt["chain"], receipt["hash"], str(receipt["index"]), receipt["transaction"]]
    lines = "".join(line + "\n" for line in [*head, *receipt["inclusion"], ""])
    demand(digest((lines + receipt["checkpoint"]).encode()) == digest_of_hex(receipt["digest"]), "the receipt was damaged")
    print(f"VALID: transaction {receipt['index']} of {checkpoint.size}, cosigned by {', '.join(sorted(cosigners))}")


# 11. Tiles and export

def path_of(kind, index, width):
    digits = str(index)
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    groups = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    path = "/".join([kind] + ["x" + group for group in groups[:-1]] + groups[-1:])
    return path if width == 256 else f"{path}.p/{width}"


def files_of(folder, kind, count):
    """The files of a kind with `count` members: how many are in each, and the bytes."""
    for first in range(0, count, 256):
        width = min(256, count - first)
        path = path_of(kind, first // 256, width)
        try:
            yield path, first, width, Path(folder, path).read_bytes()
        except OSError:
            raise Wrong(f"{path} is missing") from None


def read_entries(folder, count):
    transactions = []
    for path, _, width, data in files_of(folder, "tile/entries", count):
        at = 0
        for _ in range(width):
            end = at + 2 + int.from_bytes(data[at:at + 2], "big")
            demand(at + 2 <= len(data) and end <= len(data), f"{path} ends early")
            transactions.append(Transaction(data[at + 2:end]))
            at = end
        demand(at == len(data), f"{path} has bytes behind its last entry")
    return transactions


def check_times(folder, count):
    before = 0
    for path, _, width, data in files_of(folder, "times", count):
        demand(len(data) == 8 * width, f"{path} has another length")
        for at in range(0, len(data), 8):
            time = int.from_bytes(data[at:at + 8], "big")
            demand(time >= before, f"{path}: time goes back")
            before = time


def check_tiles(folder, levels):
    for level in range(6):
        nodes = levels[8 * level] if 8 * level < len(levels) else []
        for path, first, width, data in files_of(folder, f"tile/{level}", len(nodes)):
            demand(data == b"".join(nodes[first:first + width]), f"{path} does not hold the hashes of the ledger's leaves")


# 12. Keys on the ledger

def keys_brought(payload):
    """Pairs of department and key that a transaction may bring."""
    try:
        kind, body = payload["kind"], payload["body"]
        if kind == "chain.genesis":
            return [(one["id"], Key(one["signing_key"])) for one in body["departments"]]
        if kind == "department.register":
            return [(body["id"], Key(body["signing_key"]))]
        if kind == "key.rotate" and "signing" in body:
            return [(payload["department"], Key(body["signing"]["key"]))]
        if kind == "key.endorse":
            return [(body["department"], Key(body["signing"]["key"]))]
    except (KeyError, TypeError, Wrong):
        pass  # The ledger's rules refuse it; it brings nothing.
    return []


def check_transactions(chain, transactions):
    keys, checks = {}, []
    for index, transaction in enumerate(transactions):
        what = f"transaction {index}"
        try:
            payload = read_json(transaction.payload)
        except Wrong:
            payload = {}
        if index == 0:
            demand(payload.get("kind") == "chain.genesis", "transaction 0 is no genesis")
            demand(payload["department"] == payload["body"]["authority"], "the genesis is not the authority's")
            keys.update({key.id: (department, key) for department, key in keys_brought(payload)})
        demand(transaction.key_id in keys, f"{what} is signed with a key that nothing before it brought")
        department, key = keys[transaction.key_id]
        demand(payload.get("department", department) == department, f"{what} is signed with another department's key")
        checks.append(transaction.check(chain, key, what))
        for department, key in keys_brought(payload):
            keys.setdefault(key.id, (department, key))
    check_signatures(checks)


def verify_export(folder, policy):
    try:
        checkpoint = Checkpoint(decoded(Path(folder, "checkpoint").read_bytes()))
    except OSError:
        raise Wrong("checkpoint is missing") from None
    cosigners = policy.check(checkpoint)
    digest = DIGESTS[checkpoint.digest_name]
    transactions = read_entries(folder, checkpoint.size)
    demand(transactions, "the ledger is empty")
    genesis = read_json(transactions[0].payload)
    demand(chain_id(transactions[0].payload) == policy.chain, "the genesis is of another chain")
    demand(genesis.get("body", {}).get("hash") == checkpoint.digest_name, "the genesis names another digest")
    leaves = [leaf_hash(digest, transaction.bytes) for transaction in transactions]
    check_tiles(folder, levels_of(digest, leaves))
    demand(root_of(digest, leaves) == checkpoint.root, "the leaves have another root than the checkpoint")
    check_times(folder, checkpoint.size)
    check_transactions(policy.chain, transactions)
    print(f"VALID: {checkpoint.size} transactions, cosigned by {', '.join(sorted(cosigners))}; rules and state not checked")


def main():
    commands = {"receipt": verify_receipt, "export": verify_export}
    if len(sys.argv) != 4 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        commands[sys.argv[1]](sys.argv[2], Policy(sys.argv[3]))
    except Wrong as wrong:
        sys.exit(f"NOT VALID: {wrong}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
