//! Who imports whom in the broker: rooms from top to bottom, and no circles.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, none, sources};

/// The rooms of the broker from top to bottom: nobody imports from a room above.
const ROOMS: &[&str] = &[
    "node",
    "net",
    "http",
    "api",
    "security",
    "broker",
    "replication",
    "txn",
    "group",
    "coordinator",
    "partition",
    "controller",
    "membership",
    "metadata",
    "log",
    "config",
    "telemetry",
    "failure",
    "env",
    "clock",
];

/// Modules of one folder that still import each other. Take out what has been broken up; nothing is
/// added.
const CIRCLES_LEFT: &[&str] = &["api: cluster, dispatch"];

/// A module's path below `broker/src`.
type Module = Vec<String>;

/// Which modules each module names.
struct Imports(BTreeMap<Module, BTreeSet<Module>>);

impl Imports {
    fn of_broker() -> Self {
        let sources = sources();
        let of_broker = |s: &&Source| s.path.starts_with("broker/src/") && !s.shipped().is_empty();
        let files: BTreeMap<Module, &Source> =
            sources.iter().filter(of_broker).map(|s| (module_of(&s.path), s)).collect();
        let named = |module: &Module, source: &Source| {
            let paths = paths(&source.code().collect::<Vec<_>>().join(" "));
            let absolute = paths.iter().filter_map(|path| absolute(path, module));
            absolute.filter_map(|path| longest(&path, |m| files.contains_key(m))).collect()
        };
        Self(files.iter().map(|(module, source)| (module.clone(), named(module, source))).collect())
    }

    /// The modules directly in `folder`, and which of its neighbours each of them names, at any
    /// depth.
    fn neighbours(&self, folder: &[String]) -> BTreeMap<&str, BTreeSet<&str>> {
        let child = |module: &'_ Module| {
            let inside = module.len() > folder.len() && module.starts_with(folder);
            inside.then_some(folder.len())
        };
        let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (module, named) in &self.0 {
            let Some(at) = child(module) else { continue };
            let neighbours = found.entry(&module[at]).or_default();
            let others = named.iter().filter_map(|other| child(other).map(|at| other[at].as_str()));
            neighbours.extend(others.filter(|other| *other != module[at]));
        }
        found
    }
}

#[test]
fn imports_go_downwards() {
    let imports = Imports::of_broker();
    let depth = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut found = Vec::new();
    for (module, named) in imports.0.iter().filter(|(module, _)| !module.is_empty()) {
        let Some(own) = depth(&module[0]) else {
            found.push(format!("{}: a room without a place in ROOMS", module[0]));
            continue;
        };
        for other in named.iter().filter(|other| !other.is_empty()) {
            if depth(&other[0]).is_some_and(|other| other < own) {
                found.push(format!("{} names {}", module.join("/"), other.join("/")));
            }
        }
    }
    none("import from a room above", &found);
}

#[test]
fn modules_do_not_import_each_other() {
    let imports = Imports::of_broker();
    let folders: BTreeSet<&[String]> =
        imports.0.keys().flat_map(|module| (0..module.len()).map(|at| &module[..at])).collect();
    let mut found = Vec::new();
    for folder in folders {
        for circle in circles(&imports.neighbours(folder)) {
            found.push(format!("{}: {}", folder.join("/"), circle.join(", ")));
        }
    }
    assert_eq!(found, CIRCLES_LEFT, "circles found, and those in CIRCLES_LEFT");
}

/// Groups of names each of which leads to all others of its group.
fn circles<'a>(named: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reached: BTreeMap<&str, _> =
        named.keys().map(|name| (*name, reached(named, name))).collect();
    let mut found: Vec<Vec<&str>> = Vec::new();
    for (name, others) in &reached {
        if others.contains(name) && !found.iter().any(|circle| circle.contains(name)) {
            let circle = others.iter().filter(|other| reached[*other].contains(name));
            found.push(circle.copied().collect());
        }
    }
    found
}

/// All names that a name leads to.
fn reached<'a>(named: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(name) = next.pop() {
        next.extend(named.get(name).into_iter().flatten().filter(|other| seen.insert(**other)));
    }
    seen
}

fn module_of(path: &str) -> Module {
    let path = path.trim_start_matches("broker/src/").trim_end_matches(".rs");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    module.pop_if(|last| last == "mod" || last == "lib");
    module
}

/// All paths in code that begin with `crate`, `super` or `self`, and the bare ones of `use`.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let starts = rest[..at].ends_with([' ', ';', '}']) || at == 0;
        rest = &rest[at + 4..];
        if starts && let Some((tree, after)) = rest.split_once(';') {
            expand("", tree, &mut found);
            rest = after;
        }
    }
    for (at, _) in code.match_indices("::") {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let first = code[..at].rsplit(|c| !word(c)).next().unwrap_or_default();
        let before = &code[..at - first.len()];
        if matches!(first, "crate" | "super" | "self") && !before.ends_with(':') {
            let end = code[at..].find(|c| !word(c) && c != ':').map_or(code.len(), |end| at + end);
            found.push(format!("{first}{}", code[at..end].trim_end_matches(':')));
        }
    }
    found
}

/// `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn expand(prefix: &str, tree: &str, out: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, body)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree);
        out.push(format!("{prefix}{}", name.trim()));
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let body = body.trim_end().trim_end_matches('}');
    let (mut depth, mut start) = (0, 0);
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &body[start..at], out);
                start = at + 1;
            }
            _ => {}
        }
    }
    expand(&prefix, &body[start..], out);
}

/// The path from the crate's root. A bare one may be a child of the module.
fn absolute(path: &str, module: &Module) -> Option<Module> {
    let mut parts = path.split("::").map(str::to_owned).peekable();
    let mut base = module.clone();
    match parts.peek()?.as_str() {
        "crate" => {
            base.clear();
            parts.next();
        }
        "self" => drop(parts.next()),
        "super" => {
            while parts.next_if(|part| part == "super").is_some() {
                base.pop()?;
            }
        }
        _ => {}
    }
    base.extend(parts);
    Some(base)
}

/// The longest beginning of a path that is a module.
fn longest(path: &Module, is_module: impl Fn(&Module) -> bool) -> Option<Module> {
    (1..=path.len()).rev().map(|length| path[..length].to_vec()).find(|m| is_module(m))
}

/// The checks above find what they look for.
mod self_test {
    use super::*;

    fn module(path: &str) -> Module {
        path.split("::").map(str::to_owned).collect()
    }

    #[test]
    fn paths_are_found_in_every_shape() {
        let code = "use crate::{log::A, api::{X, self}}; pub(crate) use super::b as c; fn f() { \
                    crate::net::run(self::x::Y) } use stage::Z;";
        let mut found = paths(code);
        found.sort();
        found.dedup();
        let expected = [
            "crate::api::X",
            "crate::api::self",
            "crate::log::A",
            "crate::net::run",
            "self::x::Y",
            "stage::Z",
            "super::b",
        ];
        for path in expected {
            assert!(found.contains(&path.to_owned()), "{path} in {found:?}");
        }
    }

    #[test]
    fn paths_are_resolved() {
        let own = module("a::b");
        assert_eq!(absolute("crate::c::D", &own), Some(module("c::D")));
        assert_eq!(absolute("super::c", &own), Some(module("a::c")));
        assert_eq!(absolute("super::super::c", &own), Some(module("c")));
        assert_eq!(absolute("self::c", &own), Some(module("a::b::c")));
        assert_eq!(absolute("super::super::super::c", &own), None);
        assert_eq!(longest(&module("a::b::C"), |m| m.len() == 2), Some(module("a::b")));
        assert_eq!(module_of("broker/src/a/mod.rs"), module("a"));
        assert_eq!(module_of("broker/src/a/b.rs"), own);
    }

    #[test]
    fn a_circle_is_found_and_a_diamond_is_none() {
        let set = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
        let diamond = [("a", set(&["b", "c"])), ("b", set(&["d"])), ("c", set(&["d"]))];
        assert_eq!(circles(&diamond.into_iter().collect()), Vec::<Vec<&str>>::new());
        let circle =
            [("a", set(&["b"])), ("b", set(&["c"])), ("c", set(&["b", "d"])), ("d", set(&[]))];
        assert_eq!(circles(&circle.into_iter().collect()), [["b", "c"]]);
    }
}
