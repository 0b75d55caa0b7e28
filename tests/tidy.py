#!/usr/bin/env python3
"""Tidiness as a test: the walls between the crates, and habits that no compiler checks.

    python3 tests/tidy.py [root]

Prints every fault as `file:line: rule: what`, and ends with 1 if there is one. It reads text, not
syntax trees: a small lexer tells code, strings and comments apart, and what is under `#[cfg(test)]`.
"""

import re
import sys
import tomllib
from pathlib import Path

# Which of our crates may know which. Arrows run one way.
MAY_USE = {
    "trade": set(),
    "papers": {"trade"},
    "hub": {"trade"},
    "sim": {"trade"},
    "web": {"trade", "hub", "papers"},
    "cli": {"trade", "hub", "papers", "web", "sim"},
}
# Tests of `hub` and `web` may play trades that the simulation generates.
MAY_USE_IN_TESTS = {"hub": {"sim"}, "web": {"sim"}}
NEVER_IN_TRADE = {"tokio", "sqlx", "axum", "reqwest", "hyper", "rand", "getrandom"}
# Crates that are handed the time and never read it.
PURE = ("trade", "papers", "sim")
LINES_MAX = 700
WORDS_MAX = 2  # in a template's own text; three words are a sentence that nobody can translate
SKIPPED_FOLDERS = {"target", "node_modules", ".git", ".ehub", "__pycache__"}
SOURCE = {".rs", ".html", ".css", ".js", ".mjs", ".py", ".sh"}
TEXT = SOURCE | {".toml", ".md", ".ftl", ".json", ".yml", ".yaml", ""}
LANGUAGES = ("en", "ms", "zh-CN")

# Strings are blanked where this is sought, so a feature's name is not seen: it is taken for a test's.
CFG_TEST = r"#\[cfg\((?:any\(\s*)?(?:test\b|feature\b)[^\]]*\]"
CLOCK = re.compile(r"\b(SystemTime|Instant|Timestamp|Zoned)::now\b")
SQL = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE\s+\w+\s+SET|DELETE FROM|CREATE (TABLE|INDEX)|PRAGMA|BEGIN)\b")
ENGINE = re.compile(r"sqlite|postgres", re.I)
HTML = re.compile(r"</?(html|head|body|div|span|table|thead|tbody|tr|td|th|ul|ol|li|p|h[1-6]|a|form|input|button|section|nav)[\s>]")
# Namespaces and document roots of foreign formats.
FOREIGN = re.compile(r"urn:iso:std:iso:20022|urn:oasis:names|urn:epcglobal|urn:un:unece|schemas\.openxmlformats\.org")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|\b(to" + r"do|unimple" + r"mented)!")
# Any host that hands out packages, whatever it is called.
REGISTRY = re.compile(r"https?://[\w.:-]*(registry|npm|crates|pypi|python" + r"hosted|mirror|artifact|nexus|rubygems)[\w.-]*", re.I)
SOMEBODYS_PATH = re.compile(r"(?<![\w.~-])/(home|root|work|Users)/[\w.]")
PROGRAMMERS = re.compile(r"(expect|panic!|assert\w*!|eprintln!|tracing::\w+!|unreachable!|reason\s*=)[^;{}]*$")
KEY_CALL = re.compile(r"\.(s|w|w1|w2|n)\(\s*\"([a-z0-9-]+)\"")
LIST_CALL = re.compile(r"\.by\(\s*\"([a-z0-9-]+)\"")
PROBLEM_CALL = re.compile(r"Failure::(?:new\(\s*(?:[\w:]*::)?StatusCode::\w+,|bad\()\s*\"([a-z0-9-]+)\"")
SAY_CALL = re.compile(r"\b(?:say::)?(?:out|failed|text)\(\s*\"([a-z0-9-]+)\"")
PLACE_CALL = re.compile(r"\bplace\(\s*\"[^\"]*\",\s*\"([a-z0-9-]+)\"")


class Rust:
    """A Rust file, cut into code, strings and comments; each as long as the file, blanks elsewhere."""

    TOKEN = re.compile(
        r"//[^\n]*"
        r"|(?P<block>/\*)"
        r"|b?r(?P<hash>#*)\"(?P<raw>.*?)\"(?P=hash)"
        r"|b?\"(?P<text>(?:[^\"\\]|\\.)*)\""
        r"|b?'(?:[^'\\\n]|\\[^\n]{1,10})'",
        re.S,
    )

    def __init__(self, text):
        self.text = text
        self.strings = []  # (offset, contents)
        code, comments, at = [], [], 0
        while match := self.TOKEN.search(text, at):
            start, end = match.span()
            if match["hash"] is not None and start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
                code.append(text[at : start + 1])
                comments.append(blank(text[at : start + 1]))
                at = start + 1
                continue
            if match["block"]:
                end = self.block_comment(start)
            comment = text.startswith(("//", "/*"), start)
            found = match["raw"] if match["raw"] is not None else match["text"]
            if not comment and found is not None:
                self.strings.append((start, found))
            kept = text[at:start]
            token = text[start:end]
            code.append(kept + (blank(token) if comment or found is None else '"' + blank(token[1:-1]) + '"'))
            comments.append(blank(kept) + (token if comment else blank(token)))
            at = end
        code.append(text[at:])
        comments.append(blank(text[at:]))
        self.code = "".join(code)
        self.comments = "".join(comments)
        self.tests = [self.item(m.end()) for m in re.finditer(CFG_TEST, self.code)]
        self.tests += [self.item(m.end()) for m in re.finditer(r"#\[test\]", self.code)]

    def block_comment(self, start):
        depth, at = 0, start
        for match in re.compile(r"/\*|\*/").finditer(self.text, start):
            depth += 1 if match[0] == "/*" else -1
            at = match.end()
            if depth == 0:
                return at
        return len(self.text)

    def item(self, start):
        """The item after an attribute: to its closing brace, or to the semicolon of `mod tests;`."""
        depth = 0
        for match in re.compile(r"[{};]").finditer(self.code, start):
            if match[0] == ";" and depth == 0:
                return (start, match.end())
            depth += {"{": 1, "}": -1}.get(match[0], 0)
            if match[0] == "}" and depth == 0:
                return (start, match.end())
        return (start, len(self.code))

    def is_test(self, offset):
        return any(start <= offset < end for start, end in self.tests)

    def line(self, offset):
        return self.text.count("\n", 0, offset) + 1


def blank(text):
    return re.sub(r"[^\n]", " ", text)


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.faults = []
        self.files = sorted(p for p in self.walk(self.root) if p.suffix in TEXT)
        self.rust = {p: Rust(self.read(p)) for p in self.files if p.suffix == ".rs"}
        self.mark_test_modules()

    def walk(self, folder):
        for path in folder.iterdir():
            if path.is_symlink():
                continue
            if path.is_dir():
                if path.name not in SKIPPED_FOLDERS:
                    yield from self.walk(path)
            elif path.name not in SKIPPED_FOLDERS and path.stat().st_size < 2_000_000:
                yield path

    @staticmethod
    def read(path):
        return path.read_text(encoding="utf-8", errors="replace")

    def mark_test_modules(self):
        """A file that is only there as `#[cfg(test)] mod name;` is a test as a whole."""
        for path, rust in self.rust.items():
            whole = "tests" in path.parts or "examples" in path.parts or "benches" in path.parts
            whole = whole or path.stem in ("tests", "testing")
            if whole:
                rust.tests = [(0, len(rust.text))]
        for path, rust in list(self.rust.items()):
            for name in re.findall(CFG_TEST + r"\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;", rust.code):
                folder = path.parent if path.stem in ("lib", "main", "mod") else path.parent / path.stem
                for other, test in self.rust.items():
                    if other == folder / f"{name}.rs" or folder / name in other.parents:
                        test.tests = [(0, len(test.text))]

    def fault(self, path, line, rule, what):
        self.faults.append((str(path.relative_to(self.root)), line, rule, what))

    def crate(self, path):
        parts = path.relative_to(self.root).parts
        return parts[1] if len(parts) > 2 and parts[0] == "crates" else None

    def code(self):
        for path, rust in self.rust.items():
            crate = self.crate(path)
            if crate:
                yield path, crate, rust

    def seek(self, path, rust, pattern, rule, what, *, tests=False):
        """Every place of the code where `pattern` stands."""
        for match in pattern.finditer(rust.code):
            if tests or not rust.is_test(match.start()):
                self.fault(path, rust.line(match.start()), rule, what.format(match[0]))

    def seek_strings(self, path, rust, pattern, rule, what, *, tests=False):
        for offset, contents in rust.strings:
            match = pattern.search(contents)
            if match and (tests or not rust.is_test(offset)):
                self.fault(path, rust.line(offset), rule, what.format(match[0].strip()))


def dependencies(tree):
    """Arrows between crates run one way, `trade` stays pure, SQL stays in `hub`, all are written down."""
    ledger = tree.root / "docs/decisions/dependencies.md"
    listed = set(re.findall(r"^\| `([\w.@/-]+)`", tree.read(ledger), re.M)) if ledger.exists() else set()
    for manifest in sorted((tree.root / "crates").glob("*/Cargo.toml")):
        crate = manifest.parent.name
        text = tree.read(manifest)
        parsed = tomllib.loads(text)
        for table in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name in parsed.get(table, {}):
                line = next((n for n, l in enumerate(text.splitlines(), 1) if re.match(rf"{re.escape(name)}\b", l)), 1)
                if name in MAY_USE:
                    allowed = MAY_USE.get(crate, set()) | (
                        MAY_USE_IN_TESTS.get(crate, set()) if table == "dev-dependencies" else set()
                    )
                    if name not in allowed:
                        tree.fault(manifest, line, "arrows", f"{crate} may not use {name}")
                    continue
                if crate == "trade" and name in NEVER_IN_TRADE:
                    tree.fault(manifest, line, "trade-is-pure", f"{name} is no dependency of trade")
                if name == "sqlx" and crate != "hub":
                    tree.fault(manifest, line, "sql-in-hub", "only hub depends on sqlx")
                if ledger.exists() and name not in listed:
                    tree.fault(manifest, line, "dependency-unexplained", f"{name} is not in {ledger.relative_to(tree.root)}")


def walls(tree):
    for path, crate, rust in tree.code():
        if crate == "trade":
            pattern = re.compile(r"\b(tokio|sqlx|axum|reqwest)::|std::(fs|net|process)\b")
            tree.seek(path, rust, pattern, "trade-is-pure", "{}")
        if crate in PURE:
            tree.seek(path, rust, CLOCK, "time-is-handed-in", "{}")
        if crate != "hub":
            tree.seek(path, rust, re.compile(r"\bsqlx::"), "sql-in-hub", "{}", tests=True)
            tree.seek_strings(path, rust, SQL, "sql-in-hub", "{}", tests=True)
        if path != tree.root / "crates/hub/src/db.rs":
            tree.seek(path, rust, ENGINE, "engine-in-db", "`{}` is named outside hub/src/db.rs")
            tree.seek_strings(path, rust, ENGINE, "engine-in-db", "`{}` is named outside hub/src/db.rs")
        if crate != "web":
            tree.seek(path, rust, re.compile(r"\bStatusCode\b"), "http-in-web", "{}")
            if crate != "papers":
                tree.seek_strings(path, rust, HTML, "http-in-web", "{}")
        if crate != "papers":
            tree.seek_strings(path, rust, FOREIGN, "formats-in-papers", "{}")


def habits(tree):
    for path, _, rust in tree.code():
        tree.seek(path, rust, re.compile(r"\.unwrap\(\)"), "unwrap", "outside tests")
        tree.seek(path, rust, re.compile(r"\bdbg!"), "left-over", "{}", tests=True)
        tree.seek(path, rust, re.compile(r"#\[ignore\]"), "ignored", "a test is ignored without a reason", tests=True)
        tree.seek(path, rust, re.compile(r"#!?\[allow\("), "allow", "use #[expect(.., reason = \"..\")]", tests=True)
        for match in re.finditer(r"#\[ignore\s*=\s*\"\s*\"", rust.code):
            if not rust.text[match.start() : match.end()].split('"')[1].strip():
                tree.fault(path, rust.line(match.start()), "ignored", "a test is ignored without a reason")
    for path in tree.files:
        text = tree.read(path)
        lock = path.name in ("Cargo.lock", "package-lock.json")
        if path.suffix in SOURCE and text.count("\n") > LINES_MAX:
            tree.fault(path, LINES_MAX + 1, "too-long", f"{text.count(chr(10))} lines; cut it by capability at {LINES_MAX}")
        if path.name == "tidy.py" or path.name == "test_tidy.py":
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if match := UNFINISHED.search(line):
                tree.fault(path, number, "unfinished", match[0])
            if path.name != "Cargo.lock" and (match := REGISTRY.search(line)):
                tree.fault(path, number, "registry-host", match[0])
            if not lock and (match := SOMEBODYS_PATH.search(line)):
                tree.fault(path, number, "somebodys-path", line[match.start() :][:40])
        if path.name == "package-lock.json" and '"resolved"' in text:
            line = text[: text.index('"resolved"')].count("\n") + 1
            tree.fault(path, line, "registry-host", "lock files name no host: npm install --omit-lockfile-registry-resolved")


class Messages:
    """The Fluent messages of one language: keys, and `key.attribute`, with the values that each uses."""

    def __init__(self):
        self.where = {}
        self.values = {}
        self.twice = []

    def take(self, path, text):
        key = message = None
        for number, line in enumerate(text.splitlines(), 1):
            if match := re.match(r"(-?[a-zA-Z][\w-]*)\s*=", line):
                key = message = match[1]
            elif match := re.match(r"\s+\.([a-zA-Z][\w-]*)\s*=", line):
                key = f"{message}.{match[1]}"
            elif line.startswith("#"):
                continue
            else:
                match = None
            if match:
                if key in self.where:
                    self.twice.append((path, number, key))
                self.where[key] = (path, number)
                self.values[key] = set()
            if key:
                self.values[key].update(re.findall(r"\$(\w+)", line))


def words(tree):
    """Every message that pages use is written; Malay and Chinese say all that English says."""
    web = tree.root / "crates/web"
    spoken = {}
    for language in LANGUAGES:
        spoken[language] = Messages()
        for path in tree.files:
            if path.suffix == ".ftl" and path.parent == web / "locales" / language:
                spoken[language].take(path, tree.read(path))
        for path, line, key in spoken[language].twice:
            tree.fault(path, line, "message-twice", key)
    english = spoken["en"]
    if not english.where:
        return
    for language in LANGUAGES[1:]:
        other = spoken[language]
        for key, (path, line) in english.where.items():
            if key not in other.where:
                tree.fault(path, line, "message-untranslated", f"{key} is not in {language}")
            elif more := other.values[key] - english.values[key]:
                tree.fault(*other.where[key], "message-value", f"{key} uses ${', $'.join(sorted(more))}, which English does not")
        for key in other.where.keys() - english.where.keys():
            tree.fault(*other.where[key], "message-unknown", f"{key} is not in en")
    loaded = web / "src/i18n.rs"
    if loaded.exists():
        nouns = set(re.findall(r'noun!\("([\w-]+)"\)', tree.read(loaded)))
        for path in sorted({p for p, _ in english.where.values()}):
            if path.stem not in nouns:
                tree.fault(path, 1, "messages-not-loaded", f"{path.stem} is not a noun of crates/web/src/i18n.rs")
    cli = tree.root / "crates/cli/src"
    for path in tree.files:
        terminal = cli in path.parents
        if not (terminal or web in path.parents) or path.suffix not in (".rs", ".html"):
            continue
        text = tree.read(path)
        rust = tree.rust.get(path)

        def uses(pattern, key_of, is_there):
            for match in pattern.finditer(text):
                key = key_of(match)
                skipped = rust and (rust.is_test(match.start()) or rust.comments[match.start()] != " ")
                if not skipped and not is_there(key):
                    line = text.count("\n", 0, match.start()) + 1
                    tree.fault(path, line, "message-missing", f"{key} is not in en")

        there = english.where.__contains__
        uses(KEY_CALL, lambda m: m[2], there)
        if terminal:
            uses(SAY_CALL, lambda m: m[1], there)
            continue
        uses(PLACE_CALL, lambda m: m[1], there)
        uses(PROBLEM_CALL, lambda m: f"problem-{m[1]}", there)
        uses(LIST_CALL, lambda m: f"{m[1]}-…", lambda key: any(k.startswith(key[:-1]) for k in english.where))


def sentences(tree):
    """No sentence in templates, neither between tags nor in what a reader is told of them."""
    shown = re.compile(r"\b(title|alt|placeholder|aria-label|aria-description|data-label|value|content)=\"([^\"]*)\"")
    for path in tree.files:
        if path.suffix != ".html" or tree.root / "crates/web/templates" not in path.parents:
            continue
        text = tree.read(path)
        hide = lambda m: blank(m[0])
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<(script|style)\b.*?</\1>", hide, text, flags=re.S)
        for match in shown.finditer(text):
            if "width=device-width" not in match[2]:
                report_words(tree, path, text, match.start(2), match[2])
        text = re.sub(r"<[^>]*>", lambda m: re.sub(r"[^\n]", "\0", m[0]), text, flags=re.S)
        for match in re.finditer(r"[^\0]+", text):
            report_words(tree, path, text, match.start(), match[0])


def sentences_in_code(tree):
    """Nor in the code of the pages, but for what only a programmer sees."""
    for path, crate, rust in tree.code():
        if crate != "web":
            continue
        for offset, contents in rust.strings:
            if rust.is_test(offset) or SQL.search(contents):
                continue
            before = rust.code[max(0, offset - 200) : offset]
            if PROGRAMMERS.search(before):
                continue
            spoken = re.sub(r"<[^>]*>|\{[^}]*\}", " ", contents)
            if re.search(r"(?:^|[\s\"'(])[A-Za-z][a-z']*(?: [a-z']{1,}){3,}\b|[\u4e00-\u9fff]{3,}", spoken):
                tree.fault(path, rust.line(offset), "sentence", " ".join(contents.split())[:60])


def report_words(tree, path, text, offset, shown):
    found = re.findall(r"[A-Za-z]{2,}", re.sub(r"&\w+;", " ", shown))
    chinese = re.findall(r"[\u4e00-\u9fff]", shown)
    if len(found) > WORDS_MAX or len(chinese) > WORDS_MAX:
        start = offset + len(shown) - len(shown.lstrip())
        line = text.count("\n", 0, start) + 1
        tree.fault(path, line, "sentence", " ".join(shown.split())[:60])


CHECKS = (dependencies, walls, habits, words, sentences, sentences_in_code)


def faults(root):
    tree = Tree(root)
    for check in CHECKS:
        check(tree)
    return sorted(set(tree.faults))


def main(argv):
    root = Path(argv[1]) if len(argv) > 1 else Path(__file__).resolve().parent.parent
    found = faults(root)
    for path, line, rule, what in found:
        print(f"{path}:{line}: {rule}: {what}")
    print(f"tidy: {len(found)} fault{'' if len(found) == 1 else 's'}" if found else "tidy: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
