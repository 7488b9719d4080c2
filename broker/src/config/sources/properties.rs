//! Parses Java's `.properties` format: comments, continuation lines, escapes such as `\uXXXX`, and
//! `=`, `:` or blanks between key and value. Text is UTF-8, with or without a byte order mark;
//! anything else is read as ISO 8859-1, as Java does.

/// One assignment of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Property {
    /// The line on which it begins, from 1.
    pub(in crate::config) line: usize,
    /// The key, unescaped.
    pub(in crate::config) key: String,
    /// The value, unescaped, including blanks at its end.
    pub(in crate::config) value: String,
}

/// A syntax error in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(in crate::config) struct SyntaxError {
    /// The line, from 1.
    pub(in crate::config) line: usize,
    /// What is wrong there.
    pub(in crate::config) problem: String,
}

/// The assignments in a properties file, in order.
///
/// # Errors
/// If the file has a syntax error.
pub fn parse_properties(bytes: Vec<u8>) -> Result<Vec<(String, String)>, impl std::error::Error> {
    parse(&decode(bytes))
        .map(|properties| properties.into_iter().map(|p| (p.key, p.value)).collect())
}

/// A file's text.
pub(in crate::config) fn decode(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

/// All assignments, in order.
///
/// # Errors
/// At the first malformed `\uXXXX`; everything else is valid in this format.
pub(in crate::config) fn parse(text: &str) -> Result<Vec<Property>, SyntaxError> {
    let mut properties = Vec::new();
    for (line, logical) in logical_lines(text) {
        let (key, value) = split(&logical);
        let unescape = |text| {
            unescape(text).map_err(|problem| SyntaxError { line, problem: problem.to_owned() })
        };
        properties.push(Property { line, key: unescape(key)?, value: unescape(value)? });
    }
    Ok(properties)
}

/// What Java skips around keys and values.
const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

/// Joins continued lines and removes blank lines and comments.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut logical_lines = Vec::new();
    let mut natural = text.lines().zip(1..);
    while let Some((line, number)) = natural.next() {
        let start = line.trim_start_matches(BLANKS);
        if start.is_empty() || start.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = start.to_owned();
        while continues(&logical) {
            logical.pop();
            let Some((next, _)) = natural.next() else { break };
            logical.push_str(next.trim_start_matches(BLANKS));
        }
        logical_lines.push((number, logical));
    }
    logical_lines
}

/// Whether the line ends with an odd number of backslashes.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Splits at the first `=`, `:` or blank that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|character| {
        let ends = !escaped && (BLANKS.contains(&character) || matches!(character, '=' | ':'));
        escaped = character == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(BLANKS);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(BLANKS))
}

fn unescape(text: &str) -> Result<String, &'static str> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                plain.push(code_unit(&digits).ok_or("\\u needs four hexadecimal digits")?);
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Ok(plain)
}

fn code_unit(digits: &str) -> Option<char> {
    let valid = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    valid.then(|| u32::from_str_radix(digits, 16).ok()).flatten().and_then(char::from_u32)
}

#[cfg(test)]
mod tests;
