//! Names as one segment of a key.
//!
//! Topic names need no escaping, but group ids, users and client ids are free text: what would
//! split the key, confuse a reader or not be printable ASCII is written as `%XX`, byte by byte. One
//! name has one form, so that keys can be compared.

use std::borrow::Cow;

/// How the empty name is written: an empty segment could not be told from a prefix.
const EMPTY: &str = "%";

/// How Kafka names the default for all entities of a kind. `<` and `>` are escaped in names, so
/// nothing else is called so.
const DEFAULT: &str = "<default>";

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'/' | b'%' | b'<' | b'>')
}

/// A name as a segment.
pub(super) fn escape(name: &str) -> Cow<'_, str> {
    if name.is_empty() {
        return Cow::Borrowed(EMPTY);
    }
    if name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    let mut segment = String::with_capacity(name.len() + 8);
    for byte in name.bytes() {
        if is_plain(byte) {
            segment.push(char::from(byte));
        } else {
            segment.push('%');
            segment.push(char::from(HEX[usize::from(byte >> 4)]));
            segment.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    Cow::Owned(segment)
}

/// The name that a segment was made of; none if no name has this segment.
pub(super) fn unescape(segment: &str) -> Option<String> {
    if segment == EMPTY {
        return Some(String::new());
    }
    let mut name = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let (digits, tail) = tail.split_at_checked(2)?;
            name.push(hex(digits[0])? << 4 | hex(digits[1])?);
            rest = tail;
        } else {
            name.push(first);
            rest = tail;
        }
    }
    let name = String::from_utf8(name).ok()?;
    // Other spellings of the same name ("%41" for "A", "%2f" for "%2F", an empty segment) are no
    // keys of ours.
    (escape(&name) == segment).then_some(name)
}

fn hex(digit: u8) -> Option<u8> {
    HEX.iter().position(|&h| h == digit).and_then(|value| u8::try_from(value).ok())
}

/// The name of a configured entity as a segment, the empty name being the default of its kind.
pub(super) fn escape_entity(name: &str) -> Cow<'_, str> {
    if name.is_empty() { Cow::Borrowed(DEFAULT) } else { escape(name) }
}

/// Reads what [`escape_entity`] wrote.
pub(super) fn unescape_entity(segment: &str) -> Option<String> {
    match segment {
        DEFAULT => Some(String::new()),
        EMPTY => None,
        _ => unescape(segment),
    }
}
