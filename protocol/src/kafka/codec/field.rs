//! How a value of each type of Kafka's schemas is laid out, so that the message macro needs to know
//! no types.

use bytes::Bytes;
use uuid::Uuid;

use super::{DecodeError, EncodeError, Reader, Writer};
use crate::kafka::error_code::ErrorCode;
use crate::kafka::primitives::{Records, Str};

/// A value inside a message. `flexible` chooses the compact encodings of KIP-482.
pub(crate) trait Field: Sized {
    /// The least number of bytes that a value takes on the wire.
    fn min_len(version: i16, flexible: bool) -> usize;
    /// Reads a value.
    fn read(reader: &mut Reader, version: i16, flexible: bool) -> Result<Self, DecodeError>;
    /// Writes a value.
    fn write(&self, writer: &mut Writer, version: i16, flexible: bool) -> Result<(), EncodeError>;
}

/// A value that has an encoding for null. `Option` of it is a [`Field`].
pub(crate) trait Nullable: Sized {
    /// The least number of bytes that a value or null takes on the wire.
    fn min_len(version: i16, flexible: bool) -> usize;
    /// Reads a value or null.
    fn read_nullable(
        reader: &mut Reader,
        version: i16,
        flexible: bool,
    ) -> Result<Option<Self>, DecodeError>;
    /// Writes a value or null.
    fn write_nullable(
        value: Option<&Self>,
        writer: &mut Writer,
        version: i16,
        flexible: bool,
    ) -> Result<(), EncodeError>;
}

impl<T: Nullable> Field for Option<T> {
    fn min_len(version: i16, flexible: bool) -> usize {
        T::min_len(version, flexible)
    }

    fn read(reader: &mut Reader, version: i16, flexible: bool) -> Result<Self, DecodeError> {
        T::read_nullable(reader, version, flexible)
    }

    fn write(&self, writer: &mut Writer, version: i16, flexible: bool) -> Result<(), EncodeError> {
        T::write_nullable(self.as_ref(), writer, version, flexible)
    }
}

/// Values of a fixed size: the type, its bytes on the wire, and the methods of reader and writer.
macro_rules! fixed_size {
    ($($type:ty: $bytes:literal, $method:ident;)*) => {$(
        impl Field for $type {
            fn min_len(_version: i16, _flexible: bool) -> usize {
                $bytes
            }

            fn read(reader: &mut Reader, _version: i16, _flexible: bool) -> Result<Self, DecodeError> {
                reader.$method()
            }

            fn write(&self, writer: &mut Writer, _version: i16, _flexible: bool) -> Result<(), EncodeError> {
                writer.$method(*self);
                Ok(())
            }
        }
    )*};
}

fixed_size! {
    bool: 1, bool;
    i8: 1, i8;
    i16: 2, i16;
    u16: 2, u16;
    i32: 4, i32;
    i64: 8, i64;
    f64: 8, f64;
    Uuid: 16, uuid;
}

impl Field for ErrorCode {
    fn min_len(_version: i16, _flexible: bool) -> usize {
        2
    }

    fn read(reader: &mut Reader, _version: i16, _flexible: bool) -> Result<Self, DecodeError> {
        reader.i16().map(Self::from)
    }

    fn write(
        &self,
        writer: &mut Writer,
        _version: i16,
        _flexible: bool,
    ) -> Result<(), EncodeError> {
        writer.i16((*self).into());
        Ok(())
    }
}

/// Types whose null is a length of -1: they are fields by themselves, where null is an error.
macro_rules! nullable_by_length {
    ($([$($generic:tt)*] $type:ty, $what:literal, $min_len:expr, $read:expr, $write:expr;)*) => {$(
        impl $($generic)* Nullable for $type {
            fn min_len(_version: i16, flexible: bool) -> usize {
                if flexible { 1 } else { $min_len }
            }

            fn read_nullable(
                reader: &mut Reader,
                version: i16,
                flexible: bool,
            ) -> Result<Option<Self>, DecodeError> {
                ($read)(reader, version, flexible)
            }

            fn write_nullable(
                value: Option<&Self>,
                writer: &mut Writer,
                version: i16,
                flexible: bool,
            ) -> Result<(), EncodeError> {
                ($write)(value, writer, version, flexible)
            }
        }

        impl $($generic)* Field for $type {
            fn min_len(version: i16, flexible: bool) -> usize {
                <Self as Nullable>::min_len(version, flexible)
            }

            fn read(reader: &mut Reader, version: i16, flexible: bool) -> Result<Self, DecodeError> {
                Self::read_nullable(reader, version, flexible)?.ok_or(DecodeError::UnexpectedNull($what))
            }

            fn write(&self, writer: &mut Writer, version: i16, flexible: bool) -> Result<(), EncodeError> {
                Self::write_nullable(Some(self), writer, version, flexible)
            }
        }
    )*};
}

nullable_by_length! {
    [] Str, "a string", 2,
        |reader: &mut Reader, _, flexible| reader.string(flexible),
        |value: Option<&Self>, writer: &mut Writer, _, flexible| writer.string(value.map(Self::as_str), flexible);
    [] Bytes, "bytes", 4,
        |reader: &mut Reader, _, flexible| reader.bytes(flexible),
        |value: Option<&Self>, writer: &mut Writer, _, flexible| writer.bytes(value.map(|b| &b[..]), flexible);
    [] Records, "records", 4,
        |reader: &mut Reader, _, flexible| Ok(reader.bytes(flexible)?.map(Self::from)),
        |value, writer: &mut Writer, _, flexible| writer.records(value, flexible);
    [<T: Field>] Vec<T>, "an array", 4, read_array, write_array;
}

fn read_array<T: Field>(
    reader: &mut Reader,
    version: i16,
    flexible: bool,
) -> Result<Option<Vec<T>>, DecodeError> {
    let Some(count) = reader.length(flexible)? else { return Ok(None) };
    reader.charge(count, size_of::<T>(), T::min_len(version, flexible))?;
    let mut array = Vec::with_capacity(count);
    for _ in 0..count {
        array.push(T::read(reader, version, flexible)?);
    }
    Ok(Some(array))
}

fn write_array<T: Field>(
    value: Option<&Vec<T>>,
    writer: &mut Writer,
    version: i16,
    flexible: bool,
) -> Result<(), EncodeError> {
    writer.length(value.map(Vec::len), flexible)?;
    value
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .try_for_each(|element| element.write(writer, version, flexible))
}
