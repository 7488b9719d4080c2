//! How a line of text becomes a record: the properties of Kafka's `LineMessageReader`.

use anyhow::{Context, bail};

/// What a line holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) value: Option<&'a str>,
    pub(super) headers: Vec<(&'a str, &'a str)>,
}

/// How lines are read.
#[derive(Clone, Debug)]
pub(super) struct LineFormat {
    parse_key: bool,
    key_separator: String,
    parse_headers: bool,
    headers_delimiter: String,
    headers_separator: String,
    headers_key_separator: String,
    null_marker: Option<String>,
}

impl LineFormat {
    pub(super) fn new(properties: &[(String, String)]) -> anyhow::Result<Self> {
        let mut format = Self {
            parse_key: false,
            key_separator: "\t".to_owned(),
            parse_headers: false,
            headers_delimiter: "\t".to_owned(),
            headers_separator: ",".to_owned(),
            headers_key_separator: ":".to_owned(),
            null_marker: None,
        };
        for (key, value) in properties {
            let value = value.clone();
            match key.as_str() {
                "parse.key" => format.parse_key = value.parse().context("parse.key")?,
                "key.separator" => format.key_separator = value,
                "parse.headers" => format.parse_headers = value.parse().context("parse.headers")?,
                "headers.delimiter" => format.headers_delimiter = value,
                "headers.separator" => format.headers_separator = value,
                "headers.key.separator" => format.headers_key_separator = value,
                "null.marker" => format.null_marker = Some(value),
                other => bail!("there is no reader property {other}"),
            }
        }
        Ok(format)
    }

    /// Takes a line apart; headers stand in front, then the key.
    pub(super) fn parse<'a>(&self, line: &'a str) -> anyhow::Result<Line<'a>> {
        let (headers, rest) = if self.parse_headers {
            line.split_once(&self.headers_delimiter)
                .with_context(|| format!("No header delimiter found in line: {line}"))?
        } else {
            ("", line)
        };
        let (key, value) = if self.parse_key {
            let (key, value) = rest
                .split_once(&self.key_separator)
                .with_context(|| format!("No key separator found in line: {line}"))?;
            (Some(key), value)
        } else {
            (None, rest)
        };
        let some = |text: &&str| self.null_marker.as_deref() != Some(*text);
        Ok(Line {
            key: key.filter(some),
            value: Some(value).filter(some),
            headers: self.headers(headers)?,
        })
    }

    fn headers<'a>(&self, text: &'a str) -> anyhow::Result<Vec<(&'a str, &'a str)>> {
        let parts = text.split(self.headers_separator.as_str()).filter(|part| !part.is_empty());
        parts
            .map(|part| {
                part.split_once(&self.headers_key_separator)
                    .with_context(|| format!("No header key separator found in pair: {part}"))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(properties: &[(&str, &str)]) -> LineFormat {
        let owned: Vec<_> =
            properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        LineFormat::new(&owned).expect("known properties")
    }

    #[test]
    fn a_line_is_a_value_unless_told_otherwise() {
        let line = format(&[]).parse("a:b\tc").expect("a value");
        assert_eq!(line, Line { key: None, value: Some("a:b\tc"), headers: Vec::new() });
    }

    #[test]
    fn keys_headers_and_nulls() {
        let format = format(&[
            ("parse.key", "true"),
            ("key.separator", ":"),
            ("parse.headers", "true"),
            ("null.marker", "NULL"),
        ]);
        let line = format.parse("h1:x,h1:y\tk:NULL").expect("complete");
        let headers = vec![("h1", "x"), ("h1", "y")];
        assert_eq!(line, Line { key: Some("k"), value: None, headers });
        assert!(format.parse("h1:x\tno separator").is_err());
    }
}
