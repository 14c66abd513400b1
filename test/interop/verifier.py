#!/usr/bin/env python3
"""A second implementation of the verifying side, written from proto/README.md and proto/mla/v1/*.proto alone.

Python's standard library and Debian's python3-cryptography, nothing else.

    verifier.py vectors DIR                       every value of message.json and ledger.json
    verifier.py node DIR                          a node's published ledger, under its manifest
    verifier.py bundle A.zip [B.zip ...]          bundles by themselves and against each other
    verifier.py each A.zip [B.zip ...]            one verdict a line, each bundle by itself
    verifier.py open NODE_DIR SENDER.zip SEALED   opens one sealed message with the node's key, and finds it in the sender's ledger
    verifier.py follow URL VKEY CA.pem STATE      what a ledger that is served has grown by since the last time, as STATE remembers it

Prints OK or WRONG and exits 0 or 1.
"""
import base64, hashlib, json, re, ssl, struct, sys, urllib.request, zlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

SENT, RECEIVED, REFUSED, VOIDED, RECEIPT_HELD, MANIFEST, DISCLOSED, INCIDENT = 1, 2, 3, 4, 5, 10, 12, 13
EPOCH, RESUMED, RECOVERED = 14, 15, 16
MAX_NUMBER = 2**53 - 1


class Wrong(Exception):
    """Something is not as the specification says."""


def must(holds, what):
    if not holds:
        raise Wrong(what)


# --- part 2: text forms ------------------------------------------------------------------------------------------------------

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except Exception:
        raise Wrong("not base64")
    must(b64(data) == text, "base64 in another spelling")
    return data


def unb64u(text):
    must(re.fullmatch(r"[A-Za-z0-9_-]*", text) is not None, "not base64url")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Exception:
        raise Wrong("not base64url")
    must(b64u(data) == text, "base64url in another spelling")
    return data


def thumbprint(curve, raw):
    return b64u(sha256(json.dumps({"crv": curve, "kty": "OKP", "x": b64u(raw)}, separators=(",", ":")).encode()))


def ed25519(public, signature, message):
    order = 2**252 + 27742317777372353535851937790883648493
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= order:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


# --- part 3: canonical protobuf ----------------------------------------------------------------------------------------------

NUMBER, BYTES, TEXT = "number", "bytes", "text"
PEER_ENTRY = {1: ("leaf_hash", BYTES), 2: ("checkpoint", TEXT)}
ACCEPTED = {1: ("version", NUMBER), 2: ("digest", BYTES)}
INCIDENT_DETAIL = {1: ("digest", BYTES)}
KEY_DETAIL = {1: ("use", NUMBER), 2: ("public_key_sha256", BYTES), 3: ("key_id", TEXT)}
WITNESSED_DETAIL = {1: ("checkpoint", TEXT)}
ACT = {1: ("role", NUMBER), 2: ("action", NUMBER), 3: ("refused", NUMBER), 4: ("record", BYTES)}
ARRIVED = {1: ("file_id", TEXT), 2: ("size", NUMBER), 3: ("root", BYTES)}
DELETED = {**ARRIVED, 4: ("why", NUMBER)}
EPOCH_DETAIL = {1: ("number", NUMBER), 2: ("kept", TEXT), 3: ("lost", TEXT)}
RESUMED_DETAIL = {1: ("epoch", NUMBER), 2: ("held", TEXT)}
RECOVERED_DETAIL = {1: ("kind", NUMBER), 2: ("leaf_hash", BYTES), 3: ("checkpoint", TEXT)}
ENTRY = {
    1: ("version", NUMBER), 2: ("kind", NUMBER), 3: ("time", NUMBER), 4: ("peer", TEXT), 5: ("message_id", TEXT), 6: ("seq", NUMBER),
    7: ("sealed_digest", BYTES), 8: ("signed_digest", BYTES), 9: ("reason", NUMBER),
    10: ("peer_entry", PEER_ENTRY), 11: ("manifest", ACCEPTED), 12: ("incident", INCIDENT_DETAIL),
    13: ("witnessed", WITNESSED_DETAIL), 20: ("evidence_arrived", ARRIVED), 21: ("evidence_deleted", DELETED),
    23: ("key", KEY_DETAIL), 24: ("epoch", EPOCH_DETAIL), 25: ("resumed", RESUMED_DETAIL), 26: ("recovered", RECOVERED_DETAIL), 27: ("act", ACT),
    28: ("erased", {1: ("why", NUMBER)}), 29: ("withheld", {1: ("rule", NUMBER), 2: ("purpose", NUMBER), 3: ("onward_to", TEXT)}),
}
RECEIPT = {1: ("entry", BYTES), 2: ("proof", TEXT)}
HEADER = {
    1: ("message_id", TEXT), 2: ("case_id", TEXT), 3: ("in_reply_to", TEXT), 4: ("from", TEXT), 5: ("to", TEXT), 6: ("seq", NUMBER),
    7: ("recipient_kid", TEXT), 8: ("issued_at", NUMBER), 9: ("expires_at", NUMBER), 10: ("manifest_version", NUMBER),
    11: ("schema_version", NUMBER), 12: ("padding", BYTES),
}
BODIES = {n: name for first, names in (
    (2, "assistance_request acknowledge_receipt review_decision execution_report draft_consultation forward_notice "
        "return_unprocessed clarification_request clarification_reply pre_refusal_consultation conditions_offer "
        "conditions_response measure_substitution postponement_notice postponement_lifted execution_started "
        "status_query status_report delay_notice confidentiality_impossible proceed_decision cost_consultation "
        "cost_agreement evidence_transfer evidence_receipt supplementary_request withdrawal use_consent_request "
        "use_consent_decision exculpatory_disclosure_notice return_of_originals return_waiver close_case "
        "legal_remedy_notice"),
    (40, "asset_trace_request asset_trace_result restraint_request restraint_result restraint_extension lift_intent "
        "lift_hearing restraint_lifted confiscation_request confiscation_result enforceability_update "
        "parallel_confiscation_notice management_report third_party_claim disposition_proposal sharing_agreement "
        "transfer_confirmation"),
    (60, "conditions_preflight preflight_answer spontaneous_information feedback_on_use alert alert_acknowledgement "
        "alert_cancel hit_query hit_answer"),
    (70, "jit_proposal jit_agreement jit_contribution jit_use_consent jit_extension jit_close"),
    (110, "erasure_request erasure_answer"),
) for n, name in enumerate(names.split(), first)}
MESSAGE = {1: ("header", HEADER), **{n: (name, BYTES) for n, name in BODIES.items()}}


def varint(data, at):
    value = shift = 0
    start = at
    while True:
        must(at < len(data), "a number runs past its end")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        must(value <= MAX_NUMBER, "a number is beyond 2^53-1")
        if byte < 128:
            must(byte != 0 or at - start == 1, "a number is longer than it needs to be")
            return value, at
        shift += 7
        must(shift < 63, "a number is too long")


def decode(schema, data):
    """Reads the one encoding of a message without repeated fields; refuses every other."""
    out, at, last = {}, 0, 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        must(number in schema, f"unknown field {number}")
        must(number > last, "fields out of order or twice")
        last = number
        name, kind = schema[number]
        if kind == NUMBER:
            must(wire == 0, f"wire type of {name}")
            value, at = varint(data, at)
            must(value != 0, f"{name} is zero and written out")
        else:
            must(wire == 2, f"wire type of {name}")
            length, at = varint(data, at)
            must(at + length <= len(data), f"{name} runs past its end")
            value, at = data[at:at + length], at + length
            if isinstance(kind, dict):
                value = decode(kind, value)
            else:
                must(length > 0 or schema is MESSAGE, f"{name} is empty and written out")
                if kind == TEXT:
                    try:
                        value = value.decode("utf-8")
                    except UnicodeDecodeError:
                        raise Wrong(f"{name} is not UTF-8")
        out[name] = value
    return out


ABOUT = {"peer", "message_id", "seq", "sealed_digest", "signed_digest"}
MEMBERS = {  # part 5: kind -> (required, optional)
    SENT: (ABOUT, set()), RECEIVED: (ABOUT | {"peer_entry"}, {"reason"}), REFUSED: (ABOUT | {"peer_entry", "reason"}, set()),
    VOIDED: (ABOUT | {"reason"}, set()), RECEIPT_HELD: (ABOUT | {"peer_entry"}, {"reason"}),
    6: ({"act"}, {"message_id"}), 7: ({"act"}, {"message_id"}), 8: ({"peer", "witnessed"}, set()), 9: ({"peer", "message_id"}, {"evidence_arrived", "peer_entry", "recovered"}),
    MANIFEST: ({"manifest"}, set()), 11: ({"key"}, set()), DISCLOSED: (ABOUT, set()), INCIDENT: ({"incident"}, ABOUT), 20: ({"evidence_deleted"}, set()),
    EPOCH: ({"epoch"}, set()), RESUMED: ({"peer"}, {"resumed", "peer_entry"}), RECOVERED: (ABOUT | {"recovered"}, {"reason"}),
    28: (ABOUT | {"erased"}, set()), 29: (ABOUT | {"withheld"}, set()),
}
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


DETAIL_NAMES = ("peer_entry", "manifest", "incident", "witnessed", "evidence_arrived", "evidence_deleted", "epoch", "resumed", "recovered", "act")
NO_DETAIL = {SENT, VOIDED, 11, DISCLOSED}


def parse_entry(data):
    must(1 <= len(data) <= 65535, "an entry's length")
    entry = decode(ENTRY, data)
    must(entry.get("version") == 1 and entry.get("kind") in MEMBERS and "time" in entry, "version, kind or time of an entry")
    required, optional = MEMBERS[entry["kind"]]
    members = set(entry) - {"version", "kind", "time"}
    must(required <= members <= required | optional, f"members of an entry of kind {entry['kind']}")
    must(len(members & set(DETAIL_NAMES)) == (0 if entry["kind"] in NO_DETAIL else 1), "detail of an entry")
    must("peer" not in entry or CODE.fullmatch(entry["peer"]), "peer of an entry")
    must("message_id" not in entry or UUID7.fullmatch(entry["message_id"]), "message_id of an entry")
    digests = [entry.get("sealed_digest"), entry.get("signed_digest"), entry.get("manifest", {}).get("digest"),
               entry.get("incident", {}).get("digest"), entry.get("peer_entry", {}).get("leaf_hash"),
               entry.get("recovered", {}).get("leaf_hash")]
    must(all(digest is None or len(digest) == 32 for digest in digests), "a digest of an entry")
    must("manifest" not in entry or set(entry["manifest"]) == {"version", "digest"}, "manifest of an entry")
    act = entry.get("act", {"role": 1, "action": 1, "record": bytes(32)})
    must({"role", "action", "record"} <= set(act) and act.get("refused", 1) == 1 and len(act["record"]) == 32, "act of an entry")
    must(act["role"] <= 8 and act["action"] <= 26, "role or action of an entry")
    must("epoch" not in entry or {"number", "kept"} <= set(entry["epoch"]) and entry["epoch"]["number"] <= 512, "epoch of an entry")
    must("resumed" not in entry or set(entry["resumed"]) == {"epoch", "held"}, "resumed of an entry")
    must("recovered" not in entry or set(entry["recovered"]) == {"kind", "leaf_hash", "checkpoint"}, "recovered of an entry")
    must("key" not in entry or (set(entry["key"]) == {"use", "public_key_sha256", "key_id"} and 1 <= entry["key"]["use"] <= 5
                                and len(entry["key"]["public_key_sha256"]) == 32 and len(entry["key"]["key_id"]) <= 43), "key of an entry")
    must("peer_entry" not in entry or set(entry["peer_entry"]) == {"leaf_hash", "checkpoint"}, "peer_entry of an entry")
    return entry


# --- part 5: tree, notes, proofs ---------------------------------------------------------------------------------------------

def leaf_hash(entry):
    return sha256(b"\x00", entry)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


class Tree:
    """Leaf hashes, and the levels of complete subtrees above them."""

    def __init__(self, leaves):
        self.levels = [list(leaves)]
        while len(self.levels[-1]) > 1:
            row = self.levels[-1]
            self.levels.append([node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])

    def root(self, size):
        if size == 0:
            return sha256(b"")
        parts, at = [], 0
        for height in reversed(range(size.bit_length())):
            if size >> height & 1:
                parts.append(self.levels[height][at >> height])
                at += 1 << height
        result = parts.pop()
        while parts:
            result = node_hash(parts.pop(), result)
        return result


def inclusion_holds(index, size, leaf, path, root):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistency_holds(old_size, old_root, size, root, path):
    """RFC 9162, section 2.1.4.2."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not path and old_root == root
    if old_size & (old_size - 1) == 0:
        path = [old_root, *path]
    if not path:
        return False
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == root


def parse_vkey(text, kind):
    match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", text)
    must(match, "a verifier key")
    name, key_id, data = match[1], bytes.fromhex(match[2]), unb64(match[3])
    must(data[0] == kind and sha256(name.encode(), b"\n", data)[:4] == key_id, "id or type of a verifier key")
    return {"name": name, "id": key_id, "public": data[1:]}


def decimal(text):
    must(re.fullmatch(r"0|[1-9][0-9]{0,15}", text) and int(text) <= MAX_NUMBER, "a size")
    return int(text)


def note_keys(listed, kind, at=None):
    """A member's ledger or witness keys, those of them that were valid at a time, oldest first."""
    keys = listed.get("keys", [{"vkey": listed["vkey"], "not_before": 0, "not_after": MAX_NUMBER}])
    valid = [key for key in keys if at is None or is_valid(key, at)]
    return [parse_vkey(key["vkey"], kind) for key in valid]


def is_valid(key, at):
    return key["not_before"] <= at < key["not_after"] and not key.get("revoked_at", MAX_NUMBER) <= at


def check_note(note, keys):
    """The text of a note, and which of the keys signed it: at least one, and each at most once."""
    must(not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", note) and note.endswith("\n"), "characters of a note")
    text, found, lines = note.rpartition("\n\n")
    must(found, "a note without signatures")
    signers = []
    for line in lines[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^ +]+) ([A-Za-z0-9+/]+={0,2})", line)
        must(match, "a signature line")
        data = unb64(match[2])
        must(len(data) >= 5, "a signature line")
        for key in keys:
            if match[1] == key["name"] and data[:4] == key["id"]:
                must(key["id"] not in signers and ed25519(key["public"], data[4:], (text + "\n").encode()), f"the signature of {key['name']}")
                signers.append(key["id"])
    must(signers, "no signature by a key that is to be believed")
    return text + "\n", signers


def check_checkpoint(note, keys):
    match = re.fullmatch(r"([^\n]+)\n([0-9]+)\n([A-Za-z0-9+/]{43}=)\n", check_note(note, keys)[0])
    must(match and match[1] == keys[0]["name"], "a checkpoint's body")
    size, root = decimal(match[2]), unb64(match[3])
    must(size > 0 or root == sha256(b""), "the root of an empty tree")
    return size, root


def parse_proof(text, word):
    head, found, note = text.partition("\n\n")
    lines = head.split("\n")
    must(found and lines[0].startswith(word + " "), f"a proof without {word}")
    path = [unb64(line) for line in lines[1:]]
    must(len(path) <= 106 and all(len(item) == 32 for item in path), "hashes of a proof")
    return decimal(lines[0][len(word) + 1:]), path, note


def check_inclusion(text, entry, keys):
    title = "c2sp.org/tlog-proof@v1\n"
    must(text.startswith(title), "the title of a proof")
    index, path, note = parse_proof(text[len(title):], "index")
    size, root = check_checkpoint(note, keys)
    must(inclusion_holds(index, size, leaf_hash(entry), path, root), "an inclusion proof")
    return index, size, root, note


def tile_path(level, index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == 256 else f".p/{width}")


def tiles_of(size):
    for level in ("entries", *range(8)):
        hashes = size if level == "entries" else size >> 8 * level
        for start in range(0, hashes, 256):
            yield level, start // 256, min(256, hashes - start)


def parse_bundle(data):
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at:at + 2], "big")
        must(0 < length and at + 2 + length <= len(data), "an entry bundle")
        entries.append(data[at + 2:at + 2 + length])
        at += 2 + length
    return entries


def read_tree(read, size, root):
    """Rehashes every entry and compares the root and all tiles. `read` gives a file's bytes by its path."""
    entries = []
    for level, index, width in tiles_of(size):
        if level == "entries":
            more = parse_bundle(read(tile_path(level, index, width)))
            must(len(more) == width, f"number of entries in {tile_path(level, index, width)}")
            entries += more
    return entries, check_tiles(read, [leaf_hash(entry) for entry in entries], size, root)


def check_tiles(read, leaves, size, root):
    tree = Tree(leaves)
    must(tree.root(size) == root, "the entries do not hash to the signed root")
    for level, index, width in tiles_of(size):
        if level != "entries":
            rightful = b"".join(tree.levels[8 * level][index * 256:index * 256 + width])
            must(read(tile_path(level, index, width)) == rightful, f"hashes in {tile_path(level, index, width)}")
    return tree


def check_story(entries, selection):
    """Times, numbering, and what belongs to what; `entries` by index, all of them or a selection."""
    from_first, gapless = "from" not in selection and "case" not in selection, "case" not in selection
    sent, numbers, first, last = {}, {}, {}, 0
    for at, entry in entries.items():
        must(entry["time"] >= last, f"entry {at}: time decreases")
        last, kind = entry["time"], entry["kind"]
        if kind == RECOVERED:  # what came back stands for what it was; a VOIDED also for the SENT that was lost with it
            kind = entry["recovered"]["kind"]
            must(kind in (SENT, RECEIVED, REFUSED, VOIDED), f"entry {at}: no message came back")
            open_now = sent.get((entry["peer"], entry["seq"]))
            if kind == VOIDED and (open_now is None or open_now["held"]):
                line = (True, entry["peer"])
                must(entry["seq"] == numbers.get(line, 0) + 1 or not gapless or not from_first, f"entry {at}: number {entry['seq']} is not next")
                numbers[line] = entry["seq"]
                first.setdefault(line, entry["seq"])
                sent[entry["peer"], entry["seq"]] = {"entry": entry, "held": False, "voided": False}
        if kind in (SENT, RECEIVED, REFUSED):
            line, seq = (kind == SENT, entry["peer"]), entry["seq"]
            due = numbers.get(line, 0) + 1
            must(seq >= 1 if line not in numbers and not from_first else seq == due if gapless else seq >= due, f"entry {at}: number {seq} is not next")
            numbers[line] = seq
            first.setdefault(line, seq)
        if kind == SENT:
            sent[entry["peer"], entry["seq"]] = {"entry": entry, "held": False, "voided": False}
        if kind in (VOIDED, RECEIPT_HELD):
            known = sent.get((entry["peer"], entry["seq"]))
            if known is None and not from_first and entry["seq"] < first.get((True, entry["peer"]), MAX_NUMBER):
                continue  # about a message from before the range
            same = known and all(known["entry"][name] == entry[name] for name in ABOUT)
            must(same and not known["held"] and not (kind == VOIDED and known["voided"]), f"entry {at}: belongs to nothing that was sent")
            must(kind == VOIDED or not known["voided"] or "reason" in entry, f"entry {at}: what was given up was received")
            known["held" if kind == RECEIPT_HELD else "voided"] = True


# --- part 8: manifests -------------------------------------------------------------------------------------------------------

def compact_json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def council_signers(jws, council, at):
    good, tried = set(), set()
    for item in jws["signatures"]:
        header = unb64u(item["protected"]).decode()
        for key in council["keys"]:
            if header != compact_json({"alg": "Ed25519", "kid": key["kid"], "typ": "mla-manifest+jws"}) or key["kid"] in tried:
                continue
            tried.add(key["kid"])
            valid = key["not_before"] <= at < key["not_after"] and not key.get("revoked_at", at + 1) <= at
            message = f"{item['protected']}.{jws['payload']}".encode()
            if valid and ed25519(unb64u(key["jwk"]["x"]), unb64u(item["signature"]), message):
                good.add(key["kid"])
    return good


def check_manifest(text, before=None):
    try:
        jws = json.loads(text)
        rightful = {"payload": jws["payload"], "signatures": [{"protected": s["protected"], "signature": s["signature"]} for s in jws["signatures"]]}
        must(compact_json(rightful) == text.rstrip(), "a manifest in another spelling")
        payload = unb64u(jws["payload"])
        manifest = json.loads(payload)
        must(compact_json(manifest).encode() == payload, "a manifest's payload in another spelling")
        for council in [manifest["council"], *([before["council"]] if before else [])]:
            must(len(council_signers(jws, council, manifest["issued_at"])) >= council["threshold"] >= 1, "signatures of a manifest's council")
        must(before is None or manifest["version"] == before["version"] + 1, "a manifest's version")
        must(before is None or manifest["issued_at"] >= before["issued_at"], "the time of a manifest")
        for member in manifest["members"]:
            for key in member["sign"] + member["encrypt"]:
                must(thumbprint(key["jwk"]["crv"], unb64u(key["jwk"]["x"])) == key["kid"], "a member's kid")
            for listed, name, kind in ((member["ledger"], "origin", 1), (member["witness"], "name", 4)):
                keys = listed.get("keys", [{"vkey": listed["vkey"], "not_before": 0}])
                must("://" not in listed[name], "a scheme in the name of a ledger or witness")
                must(all(parse_vkey(key["vkey"], kind)["name"] == listed[name] for key in keys), "a member's ledger or witness key")
                begins = [key["not_before"] for key in keys]
                must(begins == sorted(set(begins)) and keys[-1]["vkey"] == listed["vkey"], "the order of a member's keys")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Wrong(f"a manifest: {error}")
    return {**manifest, "digest": sha256(payload)}


def member_of(manifests, code):
    for manifest in reversed(manifests):
        for member in manifest["members"]:
            if member["code"] == code:
                return member
    raise Wrong(f"no manifest lists {code}")


def ledger_of(manifests, code, origin):
    """What the newest manifest that lists it says of a member's ledger of that origin."""
    for manifest in reversed(manifests):
        for member in manifest["members"]:
            if member["code"] == code and member["ledger"]["origin"] == origin:
                return member["ledger"]
    parent, epoch = split_epoch(origin)
    must(epoch > 1, f"no manifest lists the ledger {origin} of {code}")
    return ledger_of(manifests, code, parent)


def split_epoch(origin):
    """The origin of the first epoch and the number, if the last part of an origin is one."""
    match = re.fullmatch(r"(.+)/([1-9][0-9]{0,2})", origin)
    return (match[1], int(match[2])) if match and 2 <= int(match[2]) <= 512 else (origin, 1)


def in_epoch(keys, origin):
    """The same public keys under the origin of an epoch are other keys of a log."""
    return [{"name": origin, "id": sha256(origin.encode(), b"\n\x01", key["public"])[:4], "public": key["public"]} for key in keys]


def ledger_keys_of(manifests, code, origin):
    """Every key that a member's ledger of that origin has ever had, oldest first."""
    return in_epoch(note_keys(ledger_of(manifests, code, origin), 1), origin)


# --- part 10: bundles --------------------------------------------------------------------------------------------------------

def read_zip(data):
    """Files by path, in their order. Every byte that is not a file's is compared with the only one that it can be."""
    must(len(data) >= 22, "not a zip")
    count, directory_size, directory = struct.unpack("<HII", data[-12:-2])
    if count == 0xFFFF:
        must(len(data) >= 98, "not a zip")
        count, directory_size, directory = struct.unpack("<QQQ", data[-66:-42])
    end = zip_end(count, directory_size, directory)
    must(directory + directory_size + len(end) == len(data) and data.endswith(end), "the end of the zip")
    files, at, offset = {}, directory, 0
    for _ in range(count):
        must(at + 46 <= directory + directory_size, "the directory ends early")
        crc, size, _, name_size = struct.unpack("<IIIH", data[at + 16:at + 30])
        path = data[at + 46:at + 46 + name_size].decode()
        must(re.fullmatch(r"[a-z0-9][a-z0-9./_-]{0,99}", path) and path not in files, "the name of a file")
        far = offset >= 0xFFFFFFFF
        version, extra = (45, struct.pack("<HHQ", 1, 8, offset)) if far else (20, b"")
        entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, version, version, 0, 0, 0, 0x21, crc, size, size, name_size, len(extra), 0, 0, 0, 0,
                            0xFFFFFFFF if far else offset) + path.encode() + extra
        must(data[at:at + len(entry)] == entry, f"the directory entry of {path}")
        local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 0x21, crc, size, size, name_size, 0) + path.encode()
        content = data[offset + len(local):offset + len(local) + size]
        must(data[offset:offset + len(local)] == local and len(content) == size and zlib.crc32(content) == crc, f"the header or the bytes of {path}")
        files[path] = content
        at, offset = at + len(entry), offset + len(local) + size
    must(at == directory + directory_size and offset == directory, "bytes that belong to no file")
    return files


def zip_end(count, directory_size, directory):
    if count < 0xFFFF and directory_size < 0xFFFFFFFF and directory < 0xFFFFFFFF:
        return struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, directory_size, directory, 0)
    zip64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, directory_size, directory)
    locator = struct.pack("<IIQI", 0x07064B50, 0, directory + directory_size, 1)
    return zip64 + locator + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


ALWAYS_SELECTED = {MANIFEST, 11, EPOCH}


def parse_selection(value):
    must(isinstance(value, dict) and value and list(value) == [name for name in ("from", "to", "peer", "case") if name in value], "the selection")
    for name, item in value.items():
        right = item is True if name == "case" else isinstance(item, str) and CODE.fullmatch(item) if name == "peer" else type(item) is int and item >= 0
        must(right, f"{name} of the selection")
    must(value.get("from", 0) <= value.get("to", MAX_NUMBER), "the range of the selection")
    return value


def read_selected(files, selection, size, tree):
    """The chosen entries by index, each the one that the tree has there, and all that the selection says and no other."""
    chosen = {}
    for number in range((size + 255) // 256):
        data, at, last = files.get(f"selected/{number}", b""), 0, -1
        must(data or f"selected/{number}" not in files, "an empty file of selected entries")
        while at < len(data):
            must(at + 3 <= len(data), "a file of selected entries")
            position, length = data[at], int.from_bytes(data[at + 1:at + 3], "big")
            must(position > last and 0 < length and at + 3 + length <= len(data), "a file of selected entries")
            index, entry, last, at = number * 256 + position, data[at + 3:at + 3 + length], position, at + 3 + length
            must(index < size and leaf_hash(entry) == tree.levels[0][index], f"entry {index} is not the one in the tree")
            chosen[index] = entry
    return chosen


def check_selected(entries, selection, size, disclosed):
    for at, entry in entries.items():
        if entry["kind"] == DISCLOSED and entry["message_id"] in disclosed:
            continue
        in_range = selection.get("from", 0) <= at <= selection.get("to", MAX_NUMBER)
        of_peer = "peer" not in selection or entry.get("peer", selection["peer"]) == selection["peer"]
        must(entry["kind"] in ALWAYS_SELECTED or in_range and of_peer, f"entry {at} was not selected")
    if "peer" not in selection and "case" not in selection:
        wanted = range(selection.get("from", 0), min(size - 1, selection.get("to", MAX_NUMBER)) + 1)
        must(all(at in entries for at in wanted), "an entry of the selected range is missing")


def read_hashes(files, size, root):
    leaves = []
    for level, index, width in tiles_of(size):
        if level == 0:
            data = files.get(tile_path(level, index, width), b"")
            must(len(data) == 32 * width, f"length of {tile_path(level, index, width)}")
            leaves += [data[at:at + 32] for at in range(0, len(data), 32)]
    return check_tiles(lambda name: files.get(name) or must(False, f"{name} is missing"), leaves, size, root)


def open_bundle(path):
    files = read_zip(Path(path).read_bytes())
    try:
        index = json.loads(files["bundle.json"])
        code, origin, size = index["code"], index["origin"], index["size"]
        selection = parse_selection(index["selection"]) if "selection" in index else None
    except (KeyError, TypeError, ValueError):
        raise Wrong("bundle.json")
    listed = [{"path": name, "sha256": sha256(content).hex()} for name, content in files.items() if name != "bundle.json"]
    chosen = {} if selection is None else {"selection": selection}
    rightful = {"format": "rogatory-audit-bundle/v1", "code": code, "origin": origin, "size": size, **chosen, "files": listed}
    must((json.dumps(rightful, indent=1, ensure_ascii=False) + "\n").encode() == files["bundle.json"], "bundle.json is not what the files make it")

    manifests = []
    versions = sorted((int(re.fullmatch(r"manifests/([1-9][0-9]{0,8})\.json", n)[1]) for n in files if n.startswith("manifests/")))
    for version in versions:
        manifests.append(check_manifest(files[f"manifests/{version}.json"].decode(), manifests[-1] if manifests else None))
        must(version == manifests[-1]["version"], f"the version of manifest {version}")
    must(manifests, "no manifest")
    note, ledger_keys = files.get("checkpoint", b"").decode(), ledger_keys_of(manifests, code, origin)
    signed_size, root = check_checkpoint(note, ledger_keys)
    must(signed_size == size, "bundle.json describes another checkpoint")
    if selection is None:
        found, tree = read_tree(lambda name: files.get(name) or must(False, f"{name} is missing"), size, root)
        raw = dict(enumerate(found))
    else:
        tree = read_hashes(files, size, root)
        raw = read_selected(files, selection, size, tree)
    entries = {at: parse_entry(entry) for at, entry in raw.items()}
    disclosed = {name[10:46]: files[name] for name in sorted(files) if re.fullmatch(r"disclosed/" + UUID7.pattern + r"\.jws", name)}
    for message_id, jws in disclosed.items():
        check_disclosed(message_id, jws.decode(), entries, code, manifests)
    if selection is not None:
        check_selected(entries, selection, size, disclosed)
    check_story(entries, selection or {})
    epochs = read_epochs(entries, manifests, code, origin, tree)
    if selection is None:
        listed = note_keys(ledger_of(manifests, code, origin), 1)  # entries name a key as the manifest does, in every epoch
        named = [entry["key"]["key_id"] for entry in entries.values() if entry.get("key", {}).get("use") == 4]
        due = in_epoch([key for key in listed if key["id"].hex() == (named or [listed[0]["id"].hex()])[-1]], origin)
        signers = check_note(note, ledger_keys)[1]
        must(any(key["id"] in signers for key in due), "the checkpoint is not by the key that its ledger names")
    recorded = {entry["manifest"]["version"]: entry["manifest"]["digest"] for entry in entries.values() if entry["kind"] == MANIFEST}
    must(recorded == {m["version"]: m["digest"] for m in manifests}, "the manifests are not those that the ledger records")
    cosigned = [check_cosigned(name, files[name], manifests, code, origin, tree)
                for name in sorted((n for n in files if n.startswith("cosigned/")), key=lambda n: decimal(n[9:]))]
    for entry in entries.values():
        if "witnessed" in entry:
            witnessed_head(manifests, entry)
    held, with_proofs = [], []
    for start in range(0, size, 256):
        name = f"proofs/{start // 256}"
        wanting = [at for at in range(start, min(size, start + 256)) if {"peer_entry", "recovered"} & set(entries.get(at, {}))]
        proofs = parse_pack(files.get(name, b""))
        must(len(proofs) == len(wanting), f"{name}: {len(proofs)} proofs for {len(wanting)} entries")
        with_proofs += [name] if proofs else []
        held += [check_held(code, entries[at], at, data, manifests) for at, data in zip(wanting, proofs)]
    held = [item for item in held if item]
    tiles = [tile_path(*tile) for tile in tiles_of(size) if tile[0] != "entries"]
    bundles = [tile_path(*tile) for tile in tiles_of(size) if tile[0] == "entries"]
    if selection is not None:
        bundles = [f"selected/{number}" for number in range((size + 255) // 256) if f"selected/{number}" in files]
    order = ["checkpoint", *bundles, *tiles, *(name for name, _ in cosigned), *(f"manifests/{v}.json" for v in versions), *with_proofs,
             *(f"disclosed/{message_id}.jws" for message_id in disclosed), "bundle.json"]
    must(list(files) == order, "files that have no place in a bundle, or another order")
    return {"path": path, "code": code, "origin": origin, "size": size, "root": root, "tree": tree, "entries": entries, "manifests": manifests,
            "held": held, "cosigned": cosigned, "selection": selection, **epochs}


def read_epochs(entries, manifests, code, origin, tree):
    """What a ledger says of its epochs: each follows from what was signed before, and names what was lost."""
    parent, last = split_epoch(origin)
    if any(m["ledger"]["origin"] == origin for manifest in manifests for m in manifest["members"]):
        parent, last = origin, 1
    begun, recovered, named, losses = [], set(), {}, []

    def head_before(note, number):
        name = note.split("\n")[0]
        epoch = 1 if name == parent else split_epoch(name)[1] if split_epoch(name)[0] == parent else number
        must(epoch < number, "a head of no former epoch")
        size, root = check_checkpoint(note, ledger_keys_of(manifests, code, name))
        named[epoch] = max(size, named.get(epoch, 0))
        return size, root, epoch

    for at, entry in entries.items() if last > 1 else ():
        if "epoch" in entry:
            number = entry["epoch"]["number"]
            size, root, epoch = head_before(entry["epoch"]["kept"], number)
            must(size == at and tree.root(at) == root and epoch == (begun[-1]["number"] if begun else 1), f"entry {at}: an epoch that follows from nothing")
            signed = head_before(entry["epoch"]["lost"], number)[0] if "lost" in entry["epoch"] else at
            begun.append({"number": number, "kept": at, "signed": max(at, signed)})
        if "resumed" in entry:
            must(begun and begun[-1]["number"] == entry["resumed"]["epoch"], f"entry {at}: another epoch")
            begun[-1]["signed"] = max(begun[-1]["signed"], head_before(entry["resumed"]["held"], begun[-1]["number"])[0])
        if "recovered" in entry:
            must(begun, f"entry {at}: nothing was lost before it")
            recovered.add(entry["recovered"]["leaf_hash"])
    must((begun[-1]["number"] if begun else 1) == last, f"no entry says how epoch {last} began")
    losses = [f"epoch {b['number']} keeps {b['kept']} of {b['signed']} entries" for b in begun if b["signed"] > b["kept"]]
    return {"first_origin": parent, "epoch": last, "begun": begun, "recovered": recovered, "named": named, "losses": losses}


def common_with(bundle, origin):
    """How many of the first entries of an epoch the bundle has for certain; None for another ledger or an epoch to come."""
    epoch = 1 if origin == bundle["first_origin"] else split_epoch(origin)[1] if split_epoch(origin)[0] == bundle["first_origin"] else None
    if epoch is None or epoch > bundle["epoch"]:
        return None
    if epoch not in [1] + [b["number"] for b in bundle["begun"]]:
        return 0  # the ledger does not come from it: how much both kept of the one before is not said
    return min([b["kept"] for b in bundle["begun"] if b["number"] > epoch] + [MAX_NUMBER])


def check_disclosed(message_id, jws, entries, code, manifests):
    """A disclosed message opens the commitment of an entry, under a key that was valid then, and its disclosure is recorded."""
    was = lambda e: e["recovered"]["kind"] if "recovered" in e else e["kind"]
    about = [e for e in entries.values() if e.get("message_id") == message_id and was(e) in (SENT, RECEIVED, REFUSED)]
    must(about, f"no entry about the disclosed message {message_id}")
    entry = about[0]
    sender, recipient = (code, entry["peer"]) if was(entry) == SENT else (entry["peer"], code)
    listed = [m["sign"] for manifest in reversed(manifests) for m in manifest["members"] if m["code"] == sender]
    payload, key, digest = open_signed(jws, [key for keys in listed for key in keys])
    must(digest == entry["signed_digest"], f"{message_id} is not the message that the ledger commits to")
    header = decode(MESSAGE, payload)["header"]
    must((header["message_id"], header["from"], header["to"], header["seq"]) == (message_id, sender, recipient, entry["seq"]), "the header of a disclosed message")
    at = header["issued_at"]
    must(key["not_before"] <= at < key["not_after"] and not key.get("revoked_at", at + 1) <= at, "a signing key that was not valid")
    must(any(e["kind"] == DISCLOSED and e["message_id"] == message_id and e["signed_digest"] == digest for e in entries.values()),
         f"the disclosure of {message_id} is not recorded")


def check_cosigned(name, data, manifests, code, origin, tree):
    """A checkpoint the ledger has had, and no false cosignature on it. Returns the witnesses that vouch for it."""
    note = data.decode()
    size, root = check_checkpoint(note, ledger_keys_of(manifests, code, origin))
    must(name == f"cosigned/{size}" and size <= len(tree.levels[0]) and tree.root(size) == root, f"{name} is not a checkpoint of this tree")
    text, _, lines = note.rpartition("\n\n")
    vouching = []
    # A newer manifest says more of a key's time than an older one.
    witnesses = {key["id"]: (m, key) for manifest in manifests for m in manifest["members"] for key in note_keys(m["witness"], 4)}
    for member, key in witnesses.values():
        own = [unb64(line.split(" ")[2]) for line in lines[:-1].split("\n") if line.split(" ")[1] == key["name"]]
        own = [signature for signature in own if signature[:4] == key["id"]]
        must(len(own) <= 1, f"{name}: two cosignatures by {key['name']}")
        for signature in own:
            message = f"cosignature/v1\ntime {int.from_bytes(signature[4:12], 'big')}\n{text}\n".encode()
            must(len(signature) == 76 and ed25519(key["public"], signature[12:], message), f"{name}: the cosignature of {key['name']}")
            then = note_keys(member["witness"], 4, int.from_bytes(signature[4:12], "big") * 1000)
            must(key in then, f"{name}: the key of {key['name']} when it cosigned")
            vouching.append(member["code"])
    must(lines.count("\n") == len(vouching) + 1, f"{name}: a line of nobody that a manifest knows")
    return name, vouching


def parse_pack(data):
    items, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        must(0 < length and at + 4 + length <= len(data), "a file of proofs")
        items.append(data[at + 4:at + 4 + length])
        at += 4 + length
    return items


def keys_then(manifests, entry, origin):
    """The keys of a peer's ledger that were to be believed when the entry was made; the peer's clock may be five minutes ahead."""
    listed, at = ledger_of(manifests, entry["peer"], origin), entry["time"]
    now = note_keys(listed, 1, at)
    begins = {parse_vkey(key["vkey"], 1)["id"]: key["not_before"] for key in listed.get("keys", [])}
    soon = [key for key in note_keys(listed, 1, at + 300_000) if begins.get(key["id"], 0) > at]
    return in_epoch(now + soon, origin)


def witnessed_head(manifests, entry):
    """Size and root of what a peer signed and the node cosigned."""
    note = entry["witnessed"]["checkpoint"]
    return check_checkpoint(note, keys_then(manifests, entry, note.split("\n")[0]))


def check_held(code, own, at, data, manifests):
    """The proof of a peer's entry says exactly what the own entry claims."""
    receipt = decode(RECEIPT, data)
    must(set(receipt) == {"entry", "proof"}, f"entry {at}: its receipt")
    lost = "recovered" in own
    stated = own["recovered"] if lost else own["peer_entry"]
    origin = stated["checkpoint"].split("\n")[0]
    keys = ledger_keys_of(manifests, code, origin) if lost else keys_then(manifests, own, origin)
    index, size, root, note = check_inclusion(receipt["proof"], receipt["entry"], keys)
    theirs = parse_entry(receipt["entry"])
    leaf = leaf_hash(receipt["entry"])
    must(leaf == stated["leaf_hash"] and note == stated["checkpoint"], f"entry {at}: it commits to another proof")
    found = {"origin": origin, "at": at, "index": index, "leaf": leaf, "size": size, "root": root}
    if own["kind"] == 9:
        must(theirs["kind"] == 9 and "evidence_arrived" in theirs and theirs["message_id"] == own["message_id"], f"entry {at}: the arrival that is proved")
        must(theirs["peer"] == (own["peer"] if lost else code) and (not lost or stated["kind"] == 9), f"entry {at}: whose arrival is proved")
        return None if lost else found
    if own["kind"] == RESUMED:
        must(theirs["kind"] == RESUMED and "resumed" in theirs and theirs["peer"] == code, f"entry {at}: what is proved of an epoch")
        return found
    if lost:
        must(theirs["kind"] == stated["kind"] and theirs.get("reason") == own.get("reason"), f"entry {at}: another entry came back")
        must(all(theirs.get(name) == own[name] for name in ABOUT), f"entry {at}: what came back is about another message")
        return None
    answer = own["kind"] == RECEIPT_HELD
    must(theirs["kind"] in ((RECEIVED, REFUSED) if answer else (SENT, VOIDED)) and theirs["peer"] == code, f"entry {at}: kind or peer of what is proved")
    names = ABOUT - {"peer"}
    must(all(theirs[name] == own[name] for name in names), f"entry {at}: what is proved is about another message")
    must(own["kind"] == REFUSED or theirs.get("reason") == own.get("reason"), f"entry {at}: another reason than was proved")
    return found


def cross_check(a, b):
    must(a["code"] != b["code"], f"{a['path']} and {b['path']} are of one node")
    for item in a["held"]:
        common = common_with(b, item["origin"])
        if common is None:
            must(split_epoch(item["origin"])[0] != b["first_origin"], f"{b['path']} ends before what {a['code']} holds of it")
            continue
        if item["size"] > common:
            there = item["index"] < b["size"] and b["tree"].levels[0][item["index"]] == item["leaf"]
            must(there or item["leaf"] in b["recovered"] or b["selection"] is not None, f"{b['path']} has lost an entry that {a['code']} holds")
            continue
        must(item["size"] <= b["size"], f"{b['path']} ends before what {a['code']} holds of it")
        must(b["tree"].root(item["size"]) == item["root"], f"{b['code']} signed another history than {b['path']} holds")
        must(b["tree"].levels[0][item["index"]] == item["leaf"], f"{b['path']} has another entry {item['index']}")
    for at, entry in a["entries"].items():
        note = entry["witnessed"]["checkpoint"] if entry["kind"] == 8 else ""
        common = common_with(b, note.split("\n")[0]) if note else None
        if common is not None:
            name = note.split("\n")[0]
            must(entry["peer"] == b["code"], f"{a['path']}: entry {at} names another peer than it cosigned")
            size, root = witnessed_head(a["manifests"], entry)
            if size > common:
                epoch = 1 if name == b["first_origin"] else split_epoch(name)[1]
                must(size <= b["named"].get(epoch, 0), f"{b['path']} does not say what {a['code']} cosigned")
                continue
            must(size <= b["size"] and b["tree"].root(size) == root, f"{a['path']}: entry {at} cosigned another history of {b['code']}")
    was = lambda e: e["recovered"]["kind"] if "recovered" in e else e["kind"]
    sent = {e["seq"]: e["message_id"] for e in b["entries"].values() if was(e) in (SENT, VOIDED) and e["peer"] == a["code"]}
    for at, entry in a["entries"].items():
        if was(entry) in (RECEIVED, REFUSED) and entry["peer"] == b["code"]:
            known = sent.get(entry["seq"], entry["message_id"] if b["selection"] is not None else None)
            must(known == entry["message_id"], f"{a['path']}: entry {at} was never sent by {b['code']}")
    digests = {m["version"]: m["digest"] for m in a["manifests"]}
    must(all(digests.get(m["version"], m["digest"]) == m["digest"] for m in b["manifests"]), "one version of the manifest, two contents")


# --- part 4: messages --------------------------------------------------------------------------------------------------------

def parts_digest(parts):
    return sha256(b"".join(struct.pack(">I", len(part)) + part for part in parts))


def jws_header(kid):
    return f'{{"alg":"Ed25519","kid":"{kid}","typ":"mla-message+jws"}}'


def jwe_header(kid, ephemeral, sender, recipient):
    return (f'{{"alg":"ECDH-ES","enc":"A256GCM","kid":"{kid}","typ":"mla-sealed+jwe","cty":"mla-message+jws",'
            f'"epk":{{"kty":"OKP","crv":"X25519","x":"{b64u(ephemeral)}"}},"apu":"{b64u(sender)}","apv":"{b64u(recipient)}"}}')


def content_key(secret, sender, recipient):
    sized = lambda data: struct.pack(">I", len(data)) + data
    return sha256(struct.pack(">I", 1), secret, sized(b"A256GCM"), sized(sender), sized(recipient), struct.pack(">I", 256))


def open_sealed(jwe, private):
    """The JWS inside, the sender's and the recipient's codes, and the sealed digest."""
    segments = jwe.split(".")
    must(len(segments) == 5, "segments of a JWE")
    parts = [unb64u(segment) for segment in segments]
    header = json.loads(parts[0])
    sender, recipient, ephemeral = unb64u(header["apu"]), unb64u(header["apv"]), unb64u(header["epk"]["x"])
    kid = thumbprint("X25519", private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    must(parts[0].decode() == jwe_header(kid, ephemeral, sender, recipient), "the header of a JWE")
    must(parts[1] == b"" and len(parts[2]) == 12 and len(parts[4]) == 16, "lengths of a JWE's parts")
    secret = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    try:
        jws = AESGCM(content_key(secret, sender, recipient)).decrypt(parts[2], parts[3] + parts[4], segments[0].encode())
    except InvalidTag:
        raise Wrong("the sealed message does not open")
    return jws.decode(), sender.decode(), recipient.decode(), kid, parts_digest(parts)


def open_signed(jws, keys):
    segments = jws.split(".")
    must(len(segments) == 3, "segments of a JWS")
    parts = [unb64u(segment) for segment in segments]
    for key in keys:
        if parts[0].decode() == jws_header(key["kid"]):
            must(ed25519(unb64u(key["jwk"]["x"]), parts[2], f"{segments[0]}.{segments[1]}".encode()), "the signature of a message")
            return parts[1], key, parts_digest(parts)
    raise Wrong("the header of a JWS, or its key")


def node_key(folder, name):
    """Part 11, for a node whose data key is not under a passphrase."""
    wrapped = json.loads((folder / "keys/data-key.json").read_text())
    must(wrapped["kdf"] == "none", "the data key is under a passphrase")
    sealed = (folder / f"keys/{name}.key").read_bytes()
    der = AESGCM(unb64(wrapped["key"])).decrypt(sealed[:12], sealed[12:], f"rogatory secret {name}".encode())
    return load_der_private_key(der, None)


# --- commands ----------------------------------------------------------------------------------------------------------------

def command_vectors(folder):
    m = json.loads((Path(folder) / "message.json").read_text())
    signing = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(m["sign"]["seed"]))
    raw = lambda key: key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    must(raw(signing).hex() == m["sign"]["public"] and thumbprint("Ed25519", raw(signing)) == m["sign"]["kid"], "the signing key")
    payload = bytes.fromhex(m["payload"])
    message = decode(MESSAGE, payload)
    must({k: v for k, v in message["header"].items() if k != "padding"} == m["message"]["header"], "the header")
    signed = f"{b64u(jws_header(m['sign']['kid']).encode())}.{b64u(payload)}"
    must(f"{signed}.{b64u(signing.sign(signed.encode()))}" == m["jws"], "the JWS")
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(m["encrypt"]["private"]))
    ephemeral = X25519PrivateKey.from_private_bytes(bytes.fromhex(m["ephemeral"]["private"]))
    header = b64u(jwe_header(m["encrypt"]["kid"], raw(ephemeral), b"XA", b"XB").encode())
    iv = bytes.fromhex(m["iv"])
    sealed = AESGCM(content_key(ephemeral.exchange(private.public_key()), b"XA", b"XB")).encrypt(iv, m["jws"].encode(), header.encode())
    must(f"{header}..{b64u(iv)}.{b64u(sealed[:-16])}.{b64u(sealed[-16:])}" == m["jwe"], "the JWE")
    jws, sender, recipient, _, sealed_digest = open_sealed(m["jwe"], private)
    must((jws, sender, recipient, sealed_digest.hex()) == (m["jws"], "XA", "XB", m["sealed_digest"]), "what the JWE opens to")
    key = {"kid": m["sign"]["kid"], "jwk": {"x": b64u(raw(signing))}}
    must(open_signed(jws, [key])[2].hex() == m["signed_digest"], "the signed digest")

    l = json.loads((Path(folder) / "ledger.json").read_text())
    log, key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(l["seed"])), parse_vkey(l["vkey"], 1)
    must(raw(log) == key["public"], "the ledger key")
    entries = [bytes.fromhex(entry) for entry in l["entries"]]
    for entry in entries:
        parse_entry(entry)
    tree = Tree(leaf_hash(entry) for entry in entries)
    must([leaf.hex() for leaf in tree.levels[0]] == l["leaf_hashes"] and b64(tree.root(3)) == l["root"], "the tree")
    body = f"{key['name']}\n3\n{l['root']}\n"
    must(f"{body}\n\u2014 {key['name']} {b64(key['id'] + log.sign(body.encode()))}\n" == l["checkpoint"], "the checkpoint")
    must(parse_bundle(bytes.fromhex(l["entry_bundle"])) == entries and b"".join(tree.levels[0]).hex() == l["tile"], "bundle or tile")
    must(check_inclusion(l["inclusion"]["proof"], entries[1], [key])[0] == 1, "the inclusion proof")
    receipt = decode(RECEIPT, unb64u(l["receipt"]))
    must(receipt == {"entry": entries[1], "proof": l["inclusion"]["proof"]}, "the receipt")
    old_size, path, note = parse_proof(l["consistency"]["proof"], "old")
    old = check_checkpoint(l["consistency"]["old"], [key])
    size, root = check_checkpoint(note, [key])
    must(old[0] == old_size and consistency_holds(*old, size, root, path), "the consistency proof")
    must(not consistency_holds(old[0], root, size, root, path), "a false consistency proof")

    r = json.loads((Path(folder) / "rfc6962.json").read_text())
    tree = Tree(leaf_hash(bytes.fromhex(entry)) for entry in r["entries"])
    must(sha256().hex() == r["empty_root"] and [tree.root(at + 1).hex() for at in range(len(r["roots"]))] == r["roots"], "a root of RFC 6962")
    hashes = lambda path: [bytes.fromhex(item) for item in path]
    for proof in r["inclusion"]:
        must(inclusion_holds(proof["index"], proof["size"], tree.levels[0][proof["index"]], hashes(proof["path"]), tree.root(proof["size"])), "a path of RFC 6962")
    for proof in r["consistency"]:
        must(consistency_holds(proof["old"], tree.root(proof["old"]), proof["size"], tree.root(proof["size"]), hashes(proof["path"])), "a proof of RFC 6962")
    return "every vector"


def command_node(folder):
    folder = Path(folder)
    manifest = check_manifest((folder / "manifest.json").read_text())
    note = (folder / "ledger/checkpoint").read_text()
    origin = note.split("\n")[0]
    names = (origin, split_epoch(origin)[0])
    member = next((m for m in manifest["members"] if m["ledger"]["origin"] in names), None) or must(False, f"no member has the ledger {origin}")
    size, root = check_checkpoint(note, in_epoch(note_keys(member["ledger"], 1), origin))
    raw, _ = read_tree(lambda name: (folder / "ledger" / name).read_bytes(), size, root)
    check_story({at: parse_entry(entry) for at, entry in enumerate(raw)}, {})
    return f"{member['code']}: {size} entries"


def command_bundle(*paths):
    bundles = [open_bundle(path) for path in paths]
    for a in bundles:
        for b in bundles:
            if a is not b:
                cross_check(a, b)
    must(not any(b["losses"] for b in bundles), "; ".join(f"{b['code']} lost entries: {loss}" for b in bundles for loss in b["losses"]))
    return "; ".join(f"{b['code']}: {b['size']} entries, {len(b['held'])} proofs, {sum(len(v) for _, v in b['cosigned'])} cosignatures" for b in bundles)


def command_open(folder, sender_bundle, sealed_file):
    folder, bundle = Path(folder), open_bundle(sender_bundle)
    jws, sender, recipient, kid, sealed_digest = open_sealed(Path(sealed_file).read_text().strip(), node_key(folder, "encrypt"))
    manifest = check_manifest((folder / "manifest.json").read_text())
    payload, key, signed_digest = open_signed(jws, member_of([manifest], sender)["sign"])
    message = decode(MESSAGE, payload)
    header = message["header"]
    must(header["from"] == sender == bundle["code"] and header["to"] == recipient and header["recipient_kid"] == kid, "the bindings of the message")
    must(key["not_before"] <= header["issued_at"] < key["not_after"] and set(header.get("padding", b"")) <= {0}, "time or padding of the message")
    sent = [e for e in bundle["entries"].values() if e["kind"] == SENT and e["sealed_digest"] == sealed_digest and e["signed_digest"] == signed_digest]
    must(len(sent) == 1 and sent[0]["message_id"] == header["message_id"] and sent[0]["seq"] == header["seq"], "no SENT entry for the message")
    body = next(name for name in message if name != "header")
    return f"{body} {header['message_id']} from {sender}, number {header['seq']}, in its ledger"


def command_follow(url, vkey, authority, state):
    key, trusted, state = parse_vkey(vkey, 1), ssl.create_default_context(cafile=authority), Path(state)

    def read(name):
        with urllib.request.urlopen(f"{url}/{name}", context=trusted, timeout=30) as answer:
            plain = name == "checkpoint"
            must(answer.headers["content-type"] == ("text/plain; charset=utf-8" if plain else "application/octet-stream"), f"the type of {name}")
            must(("immutable" in answer.headers["cache-control"]) != plain, f"how long {name} may be kept")
            return answer.read()

    seen = json.loads(state.read_text()) if state.exists() else {"note": None, "leaves": []}
    note, leaves = read("checkpoint").decode(), [bytes.fromhex(leaf) for leaf in seen["leaves"]]
    size, root = check_checkpoint(note, [key])
    before = len(leaves)
    must(size >= before, "the ledger has become smaller")
    for level, index, width in tiles_of(size):
        if level == "entries" and index * 256 + width > before:
            more = parse_bundle(read(tile_path(level, index, width)))
            must(len(more) == width, "a bundle of another width")
            leaves += [leaf_hash(entry) for entry in more[len(leaves) - index * 256:]]
    tree = check_tiles(read, leaves, size, root)
    must(seen["note"] is None or tree.root(before) == check_checkpoint(seen["note"], [key])[1], "the ledger has another history than before")
    state.write_text(json.dumps({"note": note, "leaves": [leaf.hex() for leaf in leaves]}))
    return f"{before} to {size}"


def verdict(command, *arguments):
    try:
        return True, f"OK {command(*arguments)}"
    except Wrong as error:
        return False, f"WRONG: {error}"
    except Exception as error:  # whatever a mutated file provokes is a refusal, not a crash
        return False, f"WRONG: {type(error).__name__}: {error}"


def main(argv):
    commands = {"vectors": command_vectors, "node": command_node, "bundle": command_bundle, "open": command_open, "follow": command_follow}
    if argv[:1] == ["each"]:
        for path in argv[1:]:
            print(verdict(command_bundle, path)[1])
        return 0
    if len(argv) < 2 or argv[0] not in commands:
        print(__doc__)
        return 2
    good, line = verdict(commands[argv[0]], *argv[1:])
    print(line)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
