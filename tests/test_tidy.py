"""Each rule of tidy finds what it is for, and leaves alone what only looks like it."""

import tempfile
import unittest
from pathlib import Path

import tidy

LEDGER = "docs/decisions/dependencies.md"


def found(files):
    """The rules that a tree of `{path: text}` breaks, as `path:line rule`."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            file = Path(root, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return [f"{path}:{line} {rule}" for path, line, rule, _ in tidy.faults(root)]


class Tidy(unittest.TestCase):
    def check(self, path, text, *rules):
        self.assertEqual(found({path: text}), [f"{path}:{rule}" for rule in rules])

    def test_an_empty_tree_is_tidy(self):
        self.assertEqual(found({}), [])

    def test_trade_is_pure(self):
        self.check("crates/trade/Cargo.toml", '[dependencies]\nserde = "1"\ntokio = "1"\n', "3 trade-is-pure")
        self.check("crates/trade/src/a.rs", "use tokio::time;\n", "1 trade-is-pure")
        self.check("crates/trade/src/a.rs", "// no tokio::time here\n")

    def test_arrows_between_crates_run_one_way(self):
        self.check("crates/hub/Cargo.toml", "[dependencies]\ntrade.workspace = true\nweb.workspace = true\n", "3 arrows")
        self.check("crates/hub/Cargo.toml", "[dev-dependencies]\nsim.workspace = true\n")

    def test_a_dependency_stands_in_the_list_with_its_reason(self):
        manifest = '[dependencies]\nserde = "1"\nzip = "9"\n'
        files = {"crates/papers/Cargo.toml": manifest, LEDGER: "| `serde` | 1 |\n"}
        self.assertEqual(found(files), ["crates/papers/Cargo.toml:3 dependency-unexplained"])

    def test_clocks_are_not_read_in_rules(self):
        self.check("crates/sim/src/a.rs", "fn f() { let t = std::time::Instant::now(); }\n", "1 time-is-handed-in")
        self.check("crates/hub/src/clock.rs", "fn f() { SystemTime::now(); }\n")
        self.check("crates/trade/src/a.rs", "#[cfg(test)]\nmod tests {\n    fn f() { Instant::now(); }\n}\n")
        self.check("crates/trade/examples/speed.rs", "fn f() { Instant::now(); }\n")

    def test_what_follows_a_test_module_is_code_again(self):
        text = "#[cfg(test)]\nmod tests {\n    fn f() { let a = '{'; x.unwrap(); }\n}\nfn g() { x.unwrap(); }\n"
        self.check("crates/trade/src/a.rs", text, "5 unwrap")

    def test_sql_is_only_in_hub(self):
        self.check("crates/web/src/a.rs", 'fn f() { q("SELECT 1 FROM x"); }\n', "1 sql-in-hub")
        self.check("crates/web/src/a.rs", "fn f(e: sqlx::Error) {}\n", "1 sql-in-hub")
        self.check("crates/hub/src/a.rs", 'fn f() { q("SELECT 1 FROM x"); }\n')

    def test_engines_are_named_only_in_db(self):
        self.check("crates/hub/src/a.rs", "fn f() { Engine::Sqlite }\n", "1 engine-in-db")
        self.check("crates/cli/src/a.rs", 'const URL: &str = "postgres://";\n', "1 engine-in-db")
        self.check("crates/hub/src/a.rs", "/// PostgreSQL knows no U+0000.\n")
        self.check("crates/hub/src/db.rs", "fn f() { Engine::Sqlite }\n")

    def test_http_is_only_in_web(self):
        self.check("crates/hub/src/a.rs", "fn f() -> StatusCode {}\n", "1 http-in-web")
        self.check("crates/cli/src/a.rs", 'fn f() { p("<table>") }\n', "1 http-in-web")
        self.check("crates/web/src/a.rs", "fn f() -> StatusCode {}\n")

    def test_foreign_formats_are_only_in_papers(self):
        text = 'const NS: &str = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08";\n'
        self.check("crates/web/src/a.rs", text, "1 formats-in-papers")
        self.check("crates/papers/src/a.rs", text)

    def test_what_is_unfinished_is_found_in_code_and_text(self):
        self.check("crates/hub/src/a.rs", "fn f() { to" + "do!() }\n", "1 unfinished")
        self.check("docs/a.md", "one\nTO" + "DO: two\n", "2 unfinished")

    def test_an_ignored_test_says_why(self):
        self.check("crates/hub/tests/a.rs", "#[ignore]\n#[test]\nfn f() {}\n", "1 ignored")
        self.check("crates/hub/tests/a.rs", '#[ignore = "writes files"]\n#[test]\nfn f() {}\n')

    def test_files_stay_readable(self):
        self.check("crates/hub/src/a.rs", "\n" * 701, "701 too-long")
        self.check("crates/hub/src/a.rs", "\n" * 700)

    def test_no_host_and_no_path_of_somebodys_machine(self):
        host = "https://reg" + "istry.example.org/x"
        self.check("docs/a.md", host + "\n", "1 registry-host")
        self.check("a/package-lock.json", '{\n"resolved": "x"\n}\n', "2 registry-host")
        self.check("docs/a.md", "see /ho" + "me/me/x\n", "1 somebodys-path")
        self.check("docs/a.md", "https://example.org/home/x\n")

    def test_strings_and_comments_are_told_apart(self):
        self.check("crates/hub/src/a.rs", 'const A: &str = "// not a comment"; fn f() { x.unwrap(); }\n', "1 unwrap")
        self.check("crates/hub/src/a.rs", 'const A: &str = r#"x.unwrap() "quoted" "#; /* /* .unwrap() */ .unwrap() */\n')


class Words(unittest.TestCase):
    def tree(self):
        return {
            "crates/web/locales/en/page.ftl": "hello = Hello { $who }\nnav-home = Home\nproblem-late = Late\n    .fix = Wait\n",
            "crates/web/locales/ms/page.ftl": "hello = Helo { $who }\nnav-home = Utama\nproblem-late = Lewat\n    .fix = Tunggu\n",
            "crates/web/locales/zh-CN/page.ftl": "hello = 你好 { $who }\nnav-home = 首页\nproblem-late = 迟\n    .fix = 等\n",
            "crates/web/src/i18n.rs": 'const NOUNS: &[Noun] = &[noun!("page")];\n',
        }

    def test_messages_of_three_languages_are_tidy(self):
        self.assertEqual(found(self.tree()), [])

    def test_every_message_is_translated_with_its_attributes(self):
        files = self.tree()
        files["crates/web/locales/ms/page.ftl"] = "hello = Helo { $name }\nnav-home = Utama\nproblem-late = Lewat\nmore = Lagi\n"
        self.assertEqual(
            found(files),
            [
                "crates/web/locales/en/page.ftl:4 message-untranslated",
                "crates/web/locales/ms/page.ftl:1 message-value",
                "crates/web/locales/ms/page.ftl:4 message-unknown",
            ],
        )

    def test_a_message_stands_once(self):
        files = self.tree()
        files["crates/web/locales/en/page.ftl"] += "hello = Good day { $who }\n"
        self.assertEqual(found(files), ["crates/web/locales/en/page.ftl:5 message-twice"])

    def test_a_file_of_messages_is_loaded(self):
        files = self.tree()
        for language in tidy.LANGUAGES:
            files[f"crates/web/locales/{language}/order.ftl"] = "order = x\n"
        self.assertEqual(found(files), ["crates/web/locales/en/order.ftl:1 messages-not-loaded"])

    def test_what_pages_use_is_written(self):
        files = self.tree()
        files["crates/web/templates/a.html"] = '{{ p.s("hello") }}\n{{ p.s("gone") }}{{ p.by("nav", x) }}{{ p.by("role", x) }}\n'
        files["crates/web/src/a.rs"] = 'fn f() {\n    t.w(\n        "lost", []);\n    Failure::new(StatusCode::CONFLICT, "early");\n    Failure::bad("late")\n}\n'
        self.assertEqual(
            found(files),
            [
                "crates/web/src/a.rs:2 message-missing",
                "crates/web/src/a.rs:4 message-missing",
                "crates/web/templates/a.html:2 message-missing",
                "crates/web/templates/a.html:2 message-missing",
            ],
        )

    def test_no_sentence_in_templates(self):
        def check(text, *rules):
            files = {"crates/web/templates/a.html": text}
            self.assertEqual(found(files), [f"crates/web/templates/a.html:{rule}" for rule in rules])

        check("<p>\nPay the order now</p>\n", "2 sentence")
        check('<input placeholder="Your order number">\n', "1 sentence")
        check("<p>请付款</p>\n", "1 sentence")
        check("<p>{# say what it is #}{{ p.s(key) }} · ehub</p><script>let a = not a sentence</script>\n")

    def test_no_sentence_in_the_code_of_pages(self):
        text = 'fn f() { say("Pay the order now"); x.expect("a key that cannot fail"); }\n'
        self.assertEqual(found({"crates/web/src/a.rs": text}), ["crates/web/src/a.rs:1 sentence"])


if __name__ == "__main__":
    unittest.main()
