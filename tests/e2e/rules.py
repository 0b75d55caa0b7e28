"""A policy person's ten minutes, word for word from docs/rulebooks.md, and then what a hub keeps of it.

The draft of the manual is checked, compared, signed, and pinned in a real hub that went by the packs of
the program before. Both versions are then compared by the digests under which the hub has kept them,
while it runs and after.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from demo import EHUB, ROOT
from nodes import Node, wait_for
from tls import hub

SENTENCE = {
    "en_GB.UTF-8": "Amount: RM 500.00 → RM 400.00",
    "ms_MY.UTF-8": "RM 500.00 → RM 400.00",
    "zh_CN.UTF-8": "RM 500.00 → RM 400.00",
}


def ehub(*words, lang="en_GB.UTF-8", code=0):
    # Spaces that do not break stand in amounts.
    done = subprocess.run([EHUB, *words], capture_output=True, text=True, env={**os.environ, "LANG": lang, "LC_ALL": lang})
    said = (done.stdout + done.stderr).replace("\u00a0", " ")
    assert done.returncode == code, f"{words} ended with {done.returncode}: {said}"
    return said


def draft_of_the_manual(root):
    draft = os.path.join(root, "draft")
    shutil.copytree(os.path.join(ROOT, "rulebooks", "my"), draft)
    with open(os.path.join(ROOT, "docs", "rulebooks.md"), encoding="utf-8") as f:
        chapter = f.read().split("### A rate in ten minutes")[1]
    rule = re.search(r"```toml\n(.*?)```", chapter, re.S).group(1)
    path = os.path.join(draft, "consumer.toml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    at = text.index('id = "my.relief.courier"')
    first = "valid-from = 2019-01-01\n"
    text = text[:at] + text[at:].replace(first, first + "valid-to = 2026-12-31\n", 1)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "\n" + rule)
    return draft


def digest_of(node):
    status, answer = node.get("/api/v1/rules")
    assert status == 200, answer
    return next(pack["digest"] for pack in answer["packs"] if pack["pack"] == "MY")


def play(root):
    draft = draft_of_the_manual(root)
    ehub("rules", "check", draft)
    for lang, sentence in SENTENCE.items():
        said = ehub("rules", "diff", "built-in", draft, lang=lang)
        assert sentence in said, said
    key = os.path.join(root, "policy.key")
    public = re.search(r"policy\.example\+\S+", ehub("rules", "keygen", "--name", "policy.example", "--out", key)).group(0)
    ehub("rules", "sign", draft, "--key", key)
    ehub("rules", "verify", draft, "--trust", public)

    directory = hub(root, "kul", "MY")
    node = Node(directory)
    try:
        wait_for(node.decides, "the hub")
        before = digest_of(node)
        ehub("rules", "pin", draft, "--dir", directory, "--trust", public)
        assert digest_of(node) == before, "a pin holds from the next start on"
        node.restart()
        after = digest_of(node)
        assert after != before
        status, changes = node.get("/api/v1/rules/MY/changes?from=2026-12-31&to=2027-01-01")
        assert status == 200 and "my.relief.courier" in json.dumps(changes), changes
        compare_by_digest(directory, draft, before, after)
    finally:
        node.process.terminate()
        node.process.wait(20)
    compare_by_digest(directory, draft, before, after)
    one_byte_is_refused(draft, public)


def compare_by_digest(directory, draft, before, after):
    diff = lambda *sides, **more: ehub("rules", "diff", *sides, "--dir", directory, **more)
    for sides in [(before, after), (before, draft), ("built-in", after)]:
        said = diff(*sides)
        assert SENTENCE["en_GB.UTF-8"] in said and "RM 400" in said, said
    # The other way round it is taken back, and against itself nothing changes.
    for back in [(after, before), (draft, "built-in"), (after, "built-in")]:
        said = diff(*back)
        assert "up to RM 400 is no longer in the pack" in said and "up to RM 500 goes on" in said, said
        assert not re.search(r"^(CN|SG|US)", said, re.M), "only packs of the name are compared: " + said
    for same in [(before, before), (after, draft), (before, "built-in")]:
        assert SENTENCE["en_GB.UTF-8"] not in diff(*same)
    told = json.loads(diff(before, after, "--json"))
    assert [(p["pack"], p["from"], p["to"]) for p in told["packs"]] == [("MY", before, after)], told
    unknown = "0" * 64
    assert unknown in diff(unknown, draft, code=1)


def one_byte_is_refused(draft, public):
    with open(os.path.join(draft, "match.toml"), "a", encoding="utf-8") as f:
        f.write("\n")
    ehub("rules", "verify", draft, "--trust", public, code=1)


def main():
    root = tempfile.mkdtemp(prefix="ehub-rules-")
    try:
        play(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print("rules: the manual's draft checked, signed, pinned; versions compared by digest, with the hub up and down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
