//! The source files of the workspace, as lines.

use std::fs;
use std::path::{Path, PathBuf};

use barnabas_integration_tests::clients::root;

/// A source file: its path from the root, and its lines.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) lines: Vec<String>,
}

impl Source {
    /// The lines that are shipped: all up to the test module at the end of the file, none of a test
    /// program.
    pub(crate) fn shipped(&self) -> &[String] {
        if self.is_test() {
            return &[];
        }
        let begins_tests = |at: &usize| {
            let mut after = self.lines[at + 1..].iter().map(|line| line.trim());
            let item = after.find(|line| !line.starts_with("#[")).unwrap_or_default();
            self.lines[*at].trim() == "#[cfg(test)]"
                && item.starts_with("mod ")
                && item.ends_with('{')
        };
        let tests = (0..self.lines.len()).find(begins_tests);
        &self.lines[..tests.unwrap_or(self.lines.len())]
    }

    /// The shipped lines without comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = &str> {
        self.shipped().iter().map(|line| line.trim()).filter(|line| !is_comment(line))
    }

    /// The comment that says what the module is.
    pub(crate) fn header(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str).take_while(|line| line.starts_with("//!"))
    }

    fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        let programs = ["tests", "benches", "tests.rs", "testing.rs", "fixture.rs"];
        self.path.starts_with("integration-tests/")
            || parts.iter().any(|part| programs.contains(part))
            || self.path.ends_with("_tests.rs")
            || self.path.ends_with("_model.rs")
    }
}

/// All Rust files of the workspace.
pub(crate) fn sources() -> Vec<Source> {
    let root = root();
    let mut paths = Vec::new();
    for entry in fs::read_dir(&root).expect("the root") {
        let member = entry.expect("an entry").path();
        if member.join("Cargo.toml").exists() {
            walk(&member, &mut paths);
        }
    }
    let read = |path: PathBuf| Source {
        lines: fs::read_to_string(&path).expect("readable").lines().map(str::to_owned).collect(),
        path: path.strip_prefix(&root).expect("below the root").display().to_string(),
    };
    let found: Vec<Source> =
        paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs")).map(read).collect();
    assert!(found.len() > 20, "the sources were not found");
    found
}

/// All files below a folder.
pub(crate) fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.ends_with("target") {
            continue;
        }
        if path.is_dir() {
            walk(&path, out);
        } else {
            out.push(path);
        }
    }
}

pub(crate) fn is_comment(line: &str) -> bool {
    line.starts_with("//")
}

#[track_caller]
pub(crate) fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{} x {what}:\n{}", found.len(), found.join("\n"));
}

/// A line's place for an editor.
pub(crate) fn place(source: &Source, index: usize) -> String {
    format!("{}:{}: {}", source.path, index + 1, source.lines[index].trim())
}

/// The shipped lines that are wrong.
pub(crate) fn lines_with<'a>(
    sources: impl IntoIterator<Item = &'a Source>,
    wrong: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (index, line) in source.shipped().iter().enumerate() {
            if wrong(line.trim()) {
                found.push(place(source, index));
            }
        }
    }
    found
}

#[test]
fn tests_are_not_shipped() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        lines: text.lines().map(str::to_owned).collect(),
    };
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(source("broker/src/a.rs", text).shipped(), ["fn a() {}"]);
    assert_eq!(source("broker/tests/a.rs", text).shipped().len(), 0);
    let fixture = "#[cfg(test)]\nmod fixture;\nmod b;\n";
    assert_eq!(source("broker/src/a.rs", fixture).shipped().len(), 3);
}
