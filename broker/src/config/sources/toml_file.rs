//! Converts a TOML file to Kafka's flat keys: tables are joined with dots, arrays become lists.
//!
//! `[log] retention.hours = 168` and `"log.retention.hours" = 168` mean the same.

use toml::{Table, Value};

/// A file that is not TOML, or has values that no key can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::config) struct TomlError(String);

/// All assignments, ordered by key.
///
/// # Errors
/// If the text is not TOML, or a value is one that no key can have: a date, or a table in an array.
pub(in crate::config) fn parse(text: &str) -> Result<Vec<(String, String)>, TomlError> {
    let table: Table =
        text.parse().map_err(|error: toml::de::Error| TomlError(error.to_string()))?;
    let mut entries = Vec::new();
    flatten("", &table, &mut entries)?;
    entries.sort();
    Ok(entries)
}

// The depth of recursion is bounded, because the parser limits how deep tables are nested.
fn flatten(
    prefix: &str,
    table: &Table,
    entries: &mut Vec<(String, String)>,
) -> Result<(), TomlError> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(&key, inner, entries)?,
            Value::Array(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| scalar(&key, item)).collect();
                entries.push((key, items?.join(",")));
            }
            other => {
                let text = scalar(&key, other)?;
                entries.push((key, text));
            }
        }
    }
    Ok(())
}

fn scalar(key: &str, value: &Value) -> Result<String, TomlError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(flag) => Ok(flag.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => Err(TomlError(format!(
            "{key}: expected text, a number, true or false, or an array of them"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_dots_and_arrays_become_lists() {
        let text = "broker.id = 1\nlisteners = ['A://:1', 'B://:2']\n[log]\nretention.hours = 168\n\
                    preallocate = true\n\"cleaner.io.buffer.load.factor\" = 0.9\n";
        let expected = [
            ("broker.id", "1"),
            ("listeners", "A://:1,B://:2"),
            ("log.cleaner.io.buffer.load.factor", "0.9"),
            ("log.preallocate", "true"),
            ("log.retention.hours", "168"),
        ];
        let entries = parse(text).unwrap();
        let entries: Vec<_> = entries.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(entries, expected);
    }

    #[test]
    fn what_no_key_can_hold_is_refused() {
        assert!(parse("a = 2026-01-01").unwrap_err().to_string().starts_with("a: expected"));
        assert!(parse("a = [[1]]").is_err());
        assert!(parse("a = [{b = 1}]").is_err());
        assert!(parse("a = ").is_err());
    }
}
