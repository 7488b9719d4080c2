//! The repository's rules as a test: sizes, who may import whom, banned calls, live links.
//! `ARCHITECTURE.md` says why.
//!
//! It reads text, not syntax: `cargo fmt` makes that dependable enough. What it looks for is built
//! with `concat!` where it would otherwise find itself.

mod imports;
mod source;

use std::fs;

use barnabas_integration_tests::clients::root;

use source::{Source, is_comment, lines_with, none, place, sources, walk};

const MAX_FILE_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 70;
const MAX_COMMENT_WIDTH: usize = 100;

/// Comment lines that are wider all the same: tables and drawings. The number may only fall.
const WIDE_COMMENTS_LEFT: usize = 28;

#[test]
fn files_are_short() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|s| s.lines.len() > MAX_FILE_LINES)
        .map(|s| format!("{}: {} lines", s.path, s.lines.len()))
        .collect();
    none("file too long", &long);
}

#[test]
fn comments_are_narrow() {
    let wide =
        |line: &&String| is_comment(line.trim_start()) && line.chars().count() > MAX_COMMENT_WIDTH;
    let found = sources().iter().flat_map(|s| &s.lines).filter(wide).count();
    assert!(found <= WIDE_COMMENTS_LEFT, "{found} comment lines are wider than the limit");
}

#[test]
fn functions_are_short() {
    let sources = sources();
    let long: Vec<String> =
        sources.iter().flat_map(|s| long_functions(&s.path, &s.lines)).collect();
    none("function too long", &long);
}

/// Functions above the limit, from `fn` to the brace that closes at its indentation.
fn long_functions(path: &str, lines: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if is_comment(text) || !is_function(text) {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let rest = &lines[start..];
        let Some(length) = rest.iter().position(|l| *l == close || l.trim_end().ends_with(';'))
        else {
            continue;
        };
        // A `;` ends a declaration only before its body has begun.
        let begun = rest[..=length].iter().position(|l| l.trim_end().ends_with('{'));
        let length = match begun {
            Some(_) => rest.iter().position(|l| *l == close).unwrap_or(0),
            None => 0,
        };
        if length + 1 > MAX_FUNCTION_LINES {
            found.push(format!("{path}:{}: {} lines: {text}", start + 1, length + 1));
        }
    }
    found
}

fn is_function(text: &str) -> bool {
    let words = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern"];
    text.split_whitespace().find(|w| !words.contains(w)) == Some("fn")
}

/// Decisions are pure: no runtime, clock, randomness or I/O in a file whose header says so, nor in
/// a folder whose `mod.rs` does.
#[test]
fn decisions_are_pure() {
    let must = ["controller/plan", "group/state", "metadata/delta", "partition/state"];
    let banned = [
        "tokio",
        "async ",
        "Instant::now",
        "SystemTime::now",
        "rand::",
        "env::",
        "std::fs",
        "TcpStream",
    ];
    let sources = sources();
    let says_so = |s: &&Source| s.header().any(|line| line.contains("Pure"));
    let pure: Vec<&str> = sources
        .iter()
        .filter(says_so)
        .map(|s| s.path.strip_suffix("mod.rs").unwrap_or(&s.path))
        .collect();
    for folder in must {
        let folder = format!("broker/src/{folder}/");
        assert!(pure.contains(&&*folder), "the header of {folder}mod.rs does not say Pure");
    }
    let chosen = sources.iter().filter(|s| pure.iter().any(|p| s.path.starts_with(p)));
    let wrong = |line: &str| !is_comment(line) && banned.iter().any(|b| line.contains(b));
    none("impure line", &lines_with(chosen, wrong));
}

/// The protocol crate turns bytes into types and back, and nothing else.
#[test]
fn the_protocol_does_no_io() {
    let banned = ["tokio::", "std::net", "std::fs", "Instant::now", "SystemTime::now"];
    let sources = sources();
    let inside = sources.iter().filter(|s| s.path.starts_with("protocol/src/"));
    let wrong = |line: &str| !is_comment(line) && banned.iter().any(|b| line.contains(b));
    none("I/O in the protocol crate", &lines_with(inside, wrong));
}

/// Time is an argument: only these read the clock. Programs (cli, benchmarks) and tests may.
#[test]
fn the_clock_is_read_in_one_place() {
    let sources = sources();
    let judged = sources.iter().filter(|s| {
        s.path.starts_with("broker/src/") && s.path != "broker/src/env.rs"
            || s.path.starts_with("protocol/src/")
    });
    let wrong = |line: &str| {
        !is_comment(line) && (line.contains("Instant::now") || line.contains("SystemTime::now"))
    };
    none("clock read outside broker/src/env.rs", &lines_with(judged, wrong));
}

#[test]
fn nothing_banned_is_called() {
    let banned = [
        concat!(".unwrap", "()"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("block_in", "_place("),
        concat!("set", "_var("),
    ];
    let wrong = |line: &str| !is_comment(line) && banned.iter().any(|b| line.contains(b));
    none("banned call", &lines_with(&sources(), wrong));
}

#[test]
fn nothing_is_left_for_later() {
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK")];
    let mut found = Vec::new();
    for source in &sources() {
        for (index, line) in source.lines.iter().enumerate() {
            if marks.iter().any(|m| line.contains(m)) {
                found.push(place(source, index));
            }
        }
    }
    none("note to self", &found);
}

/// Tests wait on conditions. One file sleeps, between two looks at a condition.
#[test]
fn tests_do_not_sleep() {
    let sleep = concat!("thread::", "sleep");
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| s.path.starts_with("integration-tests/")) {
        for (index, line) in source.lines.iter().enumerate() {
            if line.contains(sleep) && source.path != "integration-tests/src/wait.rs" {
                found.push(place(source, index));
            }
        }
    }
    none("fixed sleep", &found);
}

/// Every file that the README and the pages in docs/ link to is there.
#[test]
fn links_lead_somewhere() {
    let root = root();
    let mut pages = Vec::new();
    walk(&root.join("docs"), &mut pages);
    for entry in fs::read_dir(&root).expect("the root") {
        pages.push(entry.expect("an entry").path());
    }
    let mut dead = Vec::new();
    for page in pages.iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(page).expect("readable");
        for target in links(&text) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !page.parent().expect("a folder").join(file).exists() {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    none("dead link", &dead);
}

/// The targets of a page's links that are files of this repository.
fn links(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1);
    after
        .filter_map(|rest| rest.split([')', ' ', '\n']).next())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// The checks above find what they look for.
mod self_test {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), lines: text.lines().map(str::to_owned).collect() }
    }

    #[test]
    fn a_long_function_is_found() {
        let body = "        x();\n".repeat(MAX_FUNCTION_LINES);
        let text = format!("impl X {{\n    pub(crate) async fn long() {{\n{body}    }}\n}}\n");
        let found = long_functions("a.rs", &source("a.rs", &text).lines);
        assert_eq!(found, ["a.rs:2: 72 lines: pub(crate) async fn long() {"]);
        let short = text.replacen("        x();\n", "", 2);
        assert_eq!(long_functions("a.rs", &source("a.rs", &short).lines), [""; 0]);
        let declared = format!("trait T {{\n    fn a(&self);\n{body}}}\n");
        assert_eq!(long_functions("a.rs", &source("a.rs", &declared).lines), [""; 0]);
    }

    #[test]
    fn links_are_found() {
        let text = "[a](b.md#c) [d](https://e) ![f](g.png)\n[h](#i)";
        assert_eq!(links(text), ["b.md#c", "g.png", "#i"]);
    }
}
