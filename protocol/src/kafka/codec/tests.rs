//! The primitive encodings, byte by byte.

use bytes::Bytes;
use proptest::prelude::*;

use super::{DecodeError, DecodeErrorKind, EncodeError, Field, Reader, Writer};
use crate::kafka::{Records, Str};

fn reader(bytes: &[u8]) -> Reader {
    Reader::new(Bytes::copy_from_slice(bytes))
}

fn written(write: impl FnOnce(&mut Writer) -> Result<(), EncodeError>) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer).unwrap();
    writer.into_segments().concat()
}

#[test]
fn strings_in_both_forms() {
    for (flexible, bytes) in [(false, &[0, 2, b'h', b'i'][..]), (true, &[3, b'h', b'i'])] {
        assert_eq!(written(|writer| writer.string(Some("hi"), flexible)), bytes);
        assert_eq!(reader(bytes).string(flexible), Ok(Some("hi".into())));
    }
    for (flexible, null) in [(false, &[0xff, 0xff][..]), (true, &[0])] {
        assert_eq!(written(|writer| writer.string(None, flexible)), null);
        assert_eq!(reader(null).string(flexible), Ok(None));
        assert_eq!(
            Str::read(&mut reader(null), 0, flexible),
            Err(DecodeError::UnexpectedNull("a string"))
        );
    }
}

#[test]
fn strings_that_are_none() {
    assert_eq!(reader(&[0xff, 0xfe]).string(false), Err(DecodeError::NegativeLength(-2)));
    assert_eq!(reader(&[0, 1, 0xc3]).string(false), Ok(Some("\u{fffd}".into())));
    let missing = DecodeError::Truncated { needed: 5, remaining: 1 };
    assert_eq!(reader(&[0, 5, b'a']).string(false), Err(missing.clone()));
    assert_eq!(missing.kind(), DecodeErrorKind::Truncated);
    let long = "x".repeat(i16::MAX as usize + 1);
    let too_long = written(|writer| writer.bytes(Some(long.as_bytes()), true));
    assert_eq!(reader(&too_long).string(true), Err(DecodeError::StringTooLong(32768)));
    for flexible in [false, true] {
        assert_eq!(Writer::new().string(Some(&long), flexible), Err(EncodeError::TooLong(32768)));
    }
}

#[test]
fn arrays_check_their_count_first() {
    let mut lying = reader(&[0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2]);
    let missing = DecodeError::Truncated { needed: 12, remaining: 8 };
    assert_eq!(Vec::<i32>::read(&mut lying, 0, false), Err(missing));
    let negative = Vec::<i32>::read(&mut reader(&[0x80, 0, 0, 0]), 0, false);
    assert_eq!(negative, Err(DecodeError::NegativeLength(i32::MIN)));
    let null = Vec::<i32>::read(&mut reader(&[0xff; 4]), 0, false);
    assert_eq!(null, Err(DecodeError::UnexpectedNull("an array")));
    assert_eq!(Option::<Vec<i32>>::read(&mut reader(&[0xff; 4]), 0, false), Ok(None));
}

#[test]
fn arrays_are_paid_from_the_budget() {
    let mut paying = reader(&[3, 2, b'a', 2, b'b']);
    let before = paying.budget();
    let names = Vec::<Str>::read(&mut paying, 0, true).unwrap();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(before - paying.budget(), 2 * size_of::<Str>());
}

#[test]
fn the_budget_grows_with_the_frame_and_never_overflows() {
    assert!(Reader::budget_for(0) >= 1 << 10);
    assert!(Reader::budget_for(1 << 20) < 40 << 20);
    assert!(Reader::budget_for(100 << 20) < 1 << 30);
    assert_eq!(Reader::budget_for(usize::MAX), usize::MAX);
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    // Tag 5 with two bytes, tag 0 with a known value, and a byte behind the section.
    let mut tagged = reader(&[2, 5, 2, 9, 9, 0, 4, 0, 0, 0, 8, 77]);
    let mut known = 0;
    let read = tagged.tagged_fields(|reader, tag| {
        if tag == 0 {
            known = reader.i32()?;
        }
        Ok(tag == 0)
    });
    assert_eq!((read, known, tagged.i8()), (Ok(()), 8, Ok(77)));
}

#[test]
fn tagged_fields_that_lie_about_their_size() {
    let read = |bytes: &[u8]| reader(bytes).tagged_fields(|reader, _| reader.i32().map(|_| true));
    let beyond = DecodeError::Truncated { needed: 9, remaining: 4 };
    assert_eq!(read(&[1, 0, 9, 0, 0, 0, 0]), Err(beyond));
    let short = DecodeError::Truncated { needed: 4, remaining: 3 };
    assert_eq!(read(&[1, 0, 3, 0, 0, 0, 0]), Err(short), "a value must not read beyond its field");
    assert_eq!(
        read(&[1, 0, 5, 0, 0, 0, 0, 1]),
        Err(DecodeError::TagSizeMismatch { tag: 0, unread: 1 })
    );
    assert_eq!(
        read(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
        Err(DecodeError::Truncated { needed: 1, remaining: 0 })
    );
}

#[test]
fn segments_stay_in_order_inside_tagged_fields() {
    let records = Records::from(vec![Bytes::from(vec![1; 200]), Bytes::from(vec![2; 3])]);
    let bytes = written(|writer| {
        writer.i8(7);
        writer.records(Some(&records), true)?;
        writer.tagged_field(4, |writer| {
            writer.i8(8);
            writer.records(Some(&records), false)?;
            writer.i8(9);
            Ok(())
        })
    });
    let mut reader = reader(&bytes);
    assert_eq!(reader.i8(), Ok(7));
    assert_eq!(reader.bytes(true), Ok(Some(records.to_bytes())));
    assert_eq!((reader.unsigned_varint(), reader.unsigned_varint()), (Ok(4), Ok(209)));
    assert_eq!(reader.i8(), Ok(8));
    assert_eq!(reader.bytes(false), Ok(Some(records.to_bytes())));
    assert_eq!(reader.i8(), Ok(9));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn trailing_bytes_are_an_error() {
    let mut reader = reader(&[0, 1, 2]);
    assert_eq!(reader.i16(), Ok(1));
    assert_eq!(reader.finish(), Err(DecodeError::TrailingBytes(1)));
}

proptest! {
    #[test]
    fn byte_sequences_round_trip(value: Option<Vec<u8>>, flexible: bool) {
        let bytes = written(|writer| writer.bytes(value.as_deref(), flexible));
        let mut reader = reader(&bytes);
        prop_assert_eq!(reader.bytes(flexible), Ok(value.map(Bytes::from)));
        prop_assert_eq!(reader.finish(), Ok(()));
    }
}
