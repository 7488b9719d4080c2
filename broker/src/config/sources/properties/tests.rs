use proptest::prelude::*;

use super::*;

fn pairs(text: &str) -> Vec<(String, String)> {
    let properties = parse(text).unwrap();
    properties.into_iter().map(|property| (property.key, property.value)).collect()
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn the_forms_of_an_assignment() {
    let text = "a=1\nb = 2\nc:3\n  d 4\ne\nf=\ng = x = y: z \n";
    let expected = [
        pair("a", "1"),
        pair("b", "2"),
        pair("c", "3"),
        pair("d", "4"),
        pair("e", ""),
        pair("f", ""),
        pair("g", "x = y: z "),
    ];
    assert_eq!(pairs(text), expected);
}

#[test]
fn comments_and_blank_lines_say_nothing() {
    assert_eq!(pairs("# a=1\n  ! b=2\n\n \t\nc=3 # part of the value\n").len(), 1);
}

#[test]
fn a_line_continues_after_an_odd_number_of_backslashes() {
    let expected = [pair("a", "1,2,3"), pair("b", "x\\"), pair("c", "3")];
    assert_eq!(pairs("a=1,\\\n   2,\\\r\n\t3\nb=x\\\\\nc=3"), expected);
    assert_eq!(pairs("a=1\\"), [pair("a", "1")]);
}

#[test]
fn a_comment_does_not_continue() {
    assert_eq!(pairs("# a \\\nb=1"), [pair("b", "1")]);
}

#[test]
fn escapes() {
    assert_eq!(pairs(r"a\ b\=c=\u00e9\t\q\:"), [pair("a b=c", "é\tq:")]);
    let error = parse("ok=1\na=\\u12g4").unwrap_err();
    assert_eq!(error.line, 2);
    assert!(parse("a=\\u12").is_err());
    assert!(parse("a=\\u+123").is_err());
}

#[test]
fn lines_are_counted_where_assignments_begin() {
    let lines: Vec<_> = parse("a=\\\r\n1\r\n\r\nb=2").unwrap().iter().map(|p| p.line).collect();
    assert_eq!(lines, [1, 4]);
}

/// Writes an assignment the way Java's `Properties.store` does.
fn escaped(text: &str, key: bool) -> String {
    let mut out = String::new();
    for (index, character) in text.chars().enumerate() {
        match character {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{c}' => out.push_str("\\f"),
            '=' | ':' | '#' | '!' | '\\' => out.extend(['\\', character]),
            ' ' if key || index == 0 => out.push_str("\\ "),
            other => out.push(other),
        }
    }
    out
}

proptest! {
    #[test]
    fn what_java_stores_is_read_back(
        stored in proptest::collection::vec(("[a-z.=: \\\\#!\t\n\u{e9}]{1,12}", "[a-z.=: \\\\#!\t\n\r\u{c}\u{1f600}]{0,16}"), 0..8),
    ) {
        let mut text = String::new();
        for (key, value) in &stored {
            text.push_str(&format!("{}={}\n", escaped(key, true), escaped(value, false)));
        }
        prop_assert_eq!(pairs(&text), stored);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = parse(&text);
    }
}

#[test]
fn text_in_any_encoding_that_editors_save() {
    assert_eq!(decode(b"\xef\xbb\xbfa=b".to_vec()), "a=b");
    assert_eq!(decode("a=\u{e9}".as_bytes().to_vec()), "a=\u{e9}");
    assert_eq!(decode(b"a=\xe9".to_vec()), "a=\u{e9}");
}
