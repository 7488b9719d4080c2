//! Parses lines into records, with the properties of Kafka's `LineMessageReader`.

use anyhow::{Context, bail};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Vec<(&'a [u8], &'a [u8])>,
}

/// How to parse lines. Lines are bytes, so a record need not be text.
#[derive(Clone, Debug)]
pub(super) struct LineFormat {
    parse_key: bool,
    key_separator: String,
    parse_headers: bool,
    headers_delimiter: String,
    headers_separator: String,
    headers_key_separator: String,
    null_marker: Option<String>,
    /// If a separator is missing, the rest of the line is the value.
    ignore_error: bool,
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
            ignore_error: false,
        };
        for (key, value) in properties {
            let flag = || value.trim().parse().with_context(|| format!("{key} is true or false"));
            let value = value.clone();
            match key.as_str() {
                "parse.key" => format.parse_key = flag()?,
                "key.separator" => format.key_separator = value,
                "parse.headers" => format.parse_headers = flag()?,
                "headers.delimiter" => format.headers_delimiter = value,
                "headers.separator" => format.headers_separator = value,
                "headers.key.separator" => format.headers_key_separator = value,
                "null.marker" => format.null_marker = Some(value),
                "ignore.error" => format.ignore_error = flag()?,
                other => bail!("there is no reader property {other}"),
            }
        }
        Ok(format)
    }

    /// Splits a line into headers, key and value, in this order.
    pub(super) fn parse<'a>(&self, line: &'a [u8]) -> anyhow::Result<Line<'a>> {
        let (headers, rest) =
            self.before(self.parse_headers, line, &self.headers_delimiter, "header delimiter")?;
        let (key, value) =
            self.before(self.parse_key, rest, &self.key_separator, "key separator")?;
        let some = |text: &&[u8]| self.null_marker.as_deref().map(str::as_bytes) != Some(*text);
        Ok(Line {
            key: key.filter(some),
            value: Some(value).filter(some),
            headers: self.headers(headers.unwrap_or_default())?,
        })
    }

    /// Splits a line at a separator, if lines are to have this part.
    fn before<'a>(
        &self,
        wanted: bool,
        line: &'a [u8],
        separator: &str,
        what: &str,
    ) -> anyhow::Result<(Option<&'a [u8]>, &'a [u8])> {
        match split_once(line, separator) {
            Some((before, rest)) if wanted => Ok((Some(before), rest)),
            None if wanted && !self.ignore_error => {
                bail!("No {what} found in line: {}", String::from_utf8_lossy(line))
            }
            _ => Ok((None, line)),
        }
    }

    fn headers<'a>(&self, text: &'a [u8]) -> anyhow::Result<Vec<(&'a [u8], &'a [u8])>> {
        let (mut headers, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (pair, next) = split_once(rest, &self.headers_separator).unwrap_or((rest, &[]));
            rest = next;
            match split_once(pair, &self.headers_key_separator) {
                Some(header) => headers.push(header),
                None if pair.is_empty() || self.ignore_error => {}
                None => {
                    let pair = String::from_utf8_lossy(pair);
                    bail!("No header key separator found in pair: {pair}")
                }
            }
        }
        Ok(headers)
    }
}

/// Splits at the first `separator`.
fn split_once<'a>(line: &'a [u8], separator: &str) -> Option<(&'a [u8], &'a [u8])> {
    let length = separator.len();
    let at = line.windows(length.max(1)).position(|window| window == separator.as_bytes())?;
    Some((&line[..at], &line[at + length..]))
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
        let line = format(&[]).parse(b"a:b\tc").expect("a value");
        assert_eq!(line, Line { key: None, value: Some(b"a:b\tc"), headers: Vec::new() });
    }

    #[test]
    fn keys_headers_and_nulls() {
        let format = format(&[
            ("parse.key", "true"),
            ("key.separator", ":"),
            ("parse.headers", "true"),
            ("null.marker", "NULL"),
        ]);
        let line = format.parse(b"h1:x,h1:y\tk:NULL").expect("complete");
        let headers = vec![(&b"h1"[..], &b"x"[..]), (b"h1", b"y")];
        assert_eq!(line, Line { key: Some(b"k"), value: None, headers });
        assert!(format.parse(b"h1:x\tno separator").is_err());
    }

    #[test]
    fn missing_separators_may_be_ignored() {
        let format = format(&[("parse.key", "true"), ("ignore.error", "true")]);
        let line = format.parse(b"plain").expect("a value");
        assert_eq!(line, Line { key: None, value: Some(b"plain"), headers: Vec::new() });
    }

    #[test]
    fn separators_may_be_long_or_blank_and_values_anything() {
        let split = format(&[("parse.key", "true"), ("key.separator", " ")]);
        let headers = Vec::new();
        let line = split.parse(b"k \xff\xfe").expect("complete");
        assert_eq!(line, Line { key: Some(b"k"), value: Some(b"\xff\xfe"), headers });
        assert_eq!(split_once(b"a::b", "::"), Some((&b"a"[..], &b"b"[..])));
        assert_eq!(split_once(b"a", "::"), None);
        assert_eq!(split_once(b"", ""), None);
    }
}
