//! Compares two brokers' answers to `clients/behaviour` and checks the differences against
//! `docs/differences.md`.
//!
//! That page's tables are the list of accepted differences, one row each:
//!
//! ```text
//! | `case > field > field` | `Kafka's value` | `our value` | reason |
//! ```
//!
//! A `*` in the first cell stands for anything; a value cell is JSON, `absent`, or `*` for any. A
//! difference that no row covers is an error, and so is a row that covers no difference: the page
//! cannot rot.

use std::collections::BTreeMap;

use serde_json::Value;

/// One place at which the answers differ; a side without that place is `absent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The case and the way to the field, joined by ` > `.
    pub path: String,
    /// Kafka's value as JSON.
    pub kafka: String,
    /// Ours as JSON.
    pub ours: String,
}

/// A row of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    path: String,
    kafka: String,
    ours: String,
    line: usize,
}

/// Every place at which two sets of answers differ, in order.
#[must_use]
pub fn differences(kafka: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(kafka), Some(ours), &mut found);
    found
}

fn compare(path: String, kafka: Option<&Value>, ours: Option<&Value>, out: &mut Vec<Difference>) {
    if kafka == ours {
        return;
    }
    let (left, right) = (children(kafka), children(ours));
    let comparable = matches!(
        (kafka, ours),
        (Some(Value::Object(_)), Some(Value::Object(_)))
            | (Some(Value::Array(_)), Some(Value::Array(_)))
    );
    if !comparable {
        let show = |v: Option<&Value>| v.map_or_else(|| "absent".to_owned(), Value::to_string);
        out.push(Difference { path, kafka: show(kafka), ours: show(ours) });
        return;
    }
    let names: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    for name in names {
        let below = if path.is_empty() { name.2.clone() } else { format!("{path} > {}", name.2) };
        compare(below, left.get(name).copied(), right.get(name).copied(), out);
    }
}

/// A node's children, by a key that keeps array elements in their order.
fn children(node: Option<&Value>) -> BTreeMap<(bool, usize, String), &Value> {
    match node {
        Some(Value::Object(fields)) => {
            fields.iter().map(|(name, v)| ((true, 0, name.clone()), v)).collect()
        }
        Some(Value::Array(items)) => {
            items.iter().enumerate().map(|(i, v)| ((false, i, i.to_string()), v)).collect()
        }
        _ => BTreeMap::new(),
    }
}

/// The rows of the page: every table row whose first cell is code that holds ` > ` or a `/`.
#[must_use]
pub fn accepted(page: &str) -> Vec<Accepted> {
    let mut rows = Vec::new();
    for (index, line) in page.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        let &[path, kafka, ours, reason] = cells.as_slice() else { continue };
        if !line.starts_with("| `") || reason.is_empty() {
            continue;
        }
        let code = |cell: &str| cell.trim_matches('`').to_owned();
        let row =
            Accepted { path: code(path), kafka: code(kafka), ours: code(ours), line: index + 1 };
        rows.push(row);
    }
    rows
}

/// What is wrong: differences that no row accepts, and rows that accept no difference. Empty when
/// all is well.
#[must_use]
pub fn verdict(found: &[Difference], rows: &[Accepted]) -> Vec<String> {
    let mut used = vec![false; rows.len()];
    let mut wrong = Vec::new();
    for difference in found {
        let covering: Vec<usize> =
            (0..rows.len()).filter(|&i| rows[i].covers(difference)).collect();
        for &row in &covering {
            used[row] = true;
        }
        if covering.is_empty() {
            let Difference { path, kafka, ours } = difference;
            wrong.push(format!("not documented: | `{path}` | `{kafka}` | `{ours}` |"));
        }
    }
    for (row, used) in rows.iter().zip(used) {
        if !used {
            let (line, path) = (row.line, &row.path);
            wrong.push(format!("no longer so: line {line} of docs/differences.md: `{path}`"));
        }
    }
    wrong
}

impl Accepted {
    fn covers(&self, difference: &Difference) -> bool {
        matches(&self.path, &difference.path)
            && matches(&self.kafka, &difference.kafka)
            && matches(&self.ours, &difference.ours)
    }
}

/// Whether `text` fits `pattern`, in which a `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(rows: &str) -> Vec<Accepted> {
        accepted(&format!(
            "# Title\n\n| case | Kafka | Barnabas | why |\n|---|---|---|---|\n{rows}\n"
        ))
    }

    #[test]
    fn equal_answers_do_not_differ() {
        let answers = json!({"a/b": [{"x": 1}, null]});
        assert_eq!(differences(&answers, &answers), []);
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let kafka = json!({"c": {"value": 1, "gone": true, "list": [1, 2], "kind": []}});
        let ours = json!({"c": {"value": 2, "more": null, "list": [1], "kind": {}}});
        let found: Vec<String> = differences(&kafka, &ours)
            .iter()
            .map(|d| format!("{}: {} {}", d.path, d.kafka, d.ours))
            .collect();
        let wanted = [
            "c > gone: true absent",
            "c > kind: [] {}",
            "c > list > 1: 2 absent",
            "c > more: absent null",
            "c > value: 1 2",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_documented_difference_is_accepted() {
        let found = differences(&json!({"c": {"v": "A"}}), &json!({"c": {"v": "B"}}));
        assert_eq!(verdict(&found, &page(r#"| `c > v` | `"A"` | `"B"` | because |"#)), [""; 0]);
        assert_eq!(verdict(&found, &page("| `c > *` | * | * | because |")), [""; 0]);
    }

    #[test]
    fn an_undocumented_difference_is_wrong() {
        let found = differences(&json!({"c": {"v": 1}}), &json!({"c": {"v": 2}}));
        assert_eq!(verdict(&found, &[]), ["not documented: | `c > v` | `1` | `2` |"]);
        let other = verdict(&found, &page("| `c > v` | `1` | `3` | because |"));
        assert_eq!(other.len(), 2, "another value than the documented one: {other:?}");
    }

    #[test]
    fn a_row_without_a_difference_is_wrong() {
        let wrong = verdict(&[], &page("| `c > v` | `1` | `2` | because |"));
        assert_eq!(wrong, ["no longer so: line 5 of docs/differences.md: `c > v`"]);
    }

    #[test]
    fn a_row_without_a_reason_accepts_nothing() {
        assert_eq!(page("| `c > v` | `1` | `2` |  |"), []);
        assert_eq!(page("| `c > v` | `1` | `2` |"), []);
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text) in
            [("a*c", "abc"), ("*", ""), ("a*", "a"), ("*b*d", "abcd"), ("x", "x")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*c", "abd"), ("ab*ba", "aba"), ("x", "xy"), ("*z", "")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
