//! The declaration language of the messages.
//!
//! A file of a message reads like Kafka's schema of it:
//!
//! ```text
//! api! {
//!     Fetch: versions 4..=17, flexible 12..;         the versions of this codec; from which on encodings are compact
//!
//!     /// What the request is for.
//!     request FetchRequest {
//!         /// What the field is.
//!         max_bytes: i32 = i32::MAX;                  a default; without it the default of the Rust type
//!         rack_id: Str, versions 11..;                written and read in these versions only
//!         name: Option<Str>, nullable 12..;           null in these versions only; an `Option` without it: in all
//!         cluster_id: Option<Str>, versions 12.., tag 0;   a tagged field, written unless it has its default
//!         topic_id: Uuid, versions 13.., else ignored;   other versions drop a value instead of refusing it
//!     }
//!
//!     response FetchResponse { ... }
//!     struct FetchTopic { ... }                       parts of either
//! }
//! ```
//!
//! Clauses come in the order `= default, versions, nullable, tag, else`; tagged fields in the order
//! of their tags.

/// Declares the request and the response of one API, and the structures they consist of.
macro_rules! api {
    (
        $key:ident: versions $min:literal..=$max:literal $(, flexible $first:literal..)?;

        $(#[$request_doc:meta])*
        request $request:ident { $($request_fields:tt)* }

        $(#[$response_doc:meta])*
        response $response:ident { $($response_fields:tt)* }

        $($(#[$doc:meta])* struct $name:ident { $($fields:tt)* })*
    ) => {
        structure! { $(#[$request_doc])* $request { $($request_fields)* } }
        structure! { $(#[$response_doc])* $response { $($response_fields)* } }
        $(structure! { $(#[$doc])* $name { $($fields)* } })*

        const FLEXIBLE_FROM: Option<i16> = first_flexible!($($first)?);
        versioned! { $request, $min..=$max }
        versioned! { $response, $min..=$max }

        impl $crate::kafka::codec::Request for $request {
            const API_KEY: $crate::kafka::ApiKey = $crate::kafka::ApiKey::$key;
            const VERSIONS: std::ops::RangeInclusive<i16> = $min..=$max;
            const FLEXIBLE_FROM: Option<i16> = FLEXIBLE_FROM;
            type Response = $response;
        }

        impl $crate::kafka::codec::Response for $response {
            const API_KEY: $crate::kafka::ApiKey = $crate::kafka::ApiKey::$key;
        }
    };
}

/// The first flexible version, if any.
macro_rules! first_flexible {
    () => {
        None
    };
    ($first:literal) => {
        Some($first)
    };
}

/// Makes a structure a message of its own: one with a range of versions.
macro_rules! versioned {
    ($name:ident, $min:literal..=$max:literal) => {
        impl $name {
            /// Whether `version` has compact encodings; an error if it is not in the range of this
            /// codec.
            fn is_flexible(version: i16) -> Option<bool> {
                ($min..=$max)
                    .contains(&version)
                    .then(|| FLEXIBLE_FROM.is_some_and(|first| version >= first))
            }
        }

        impl $crate::kafka::codec::Decode for $name {
            fn decode(
                reader: &mut $crate::kafka::Reader,
                version: i16,
            ) -> Result<Self, $crate::kafka::DecodeError> {
                let Some(flexible) = Self::is_flexible(version) else {
                    let message = stringify!($name);
                    return Err($crate::kafka::DecodeError::UnsupportedVersion {
                        message,
                        version,
                    });
                };
                $crate::kafka::codec::Field::read(reader, version, flexible)
            }
        }

        impl $crate::kafka::codec::Encode for $name {
            fn encode(
                &self,
                writer: &mut $crate::kafka::Writer,
                version: i16,
            ) -> Result<(), $crate::kafka::EncodeError> {
                let Some(flexible) = Self::is_flexible(version) else {
                    let message = stringify!($name);
                    return Err($crate::kafka::EncodeError::UnsupportedVersion {
                        message,
                        version,
                    });
                };
                $crate::kafka::codec::Field::write(self, writer, version, flexible)
            }
        }
    };
}

/// Declares a structure with its layout in every version.
macro_rules! structure {
    (
        $(#[$doc:meta])*
        $name:ident {
            $(
                $(#[$field_doc:meta])*
                $field:ident: $type:ty
                    $(= $default:expr)?
                    $(, versions $versions:expr)?
                    $(, nullable $nullable:expr)?
                    $(, tag $tag:literal)?
                    $(, else $ignored:ident)?;
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $(
                $(#[$field_doc])*
                $(#[doc = concat!("\n\nVersions `", stringify!($versions), "`.")])?
                $(#[doc = concat!("\n\nNull in versions `", stringify!($nullable), "` only.")])?
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: field!(@default $type $(, $default)?),)* }
            }
        }

        impl $crate::kafka::codec::Field for $name {
            fn min_len(version: i16, flexible: bool) -> usize {
                let mut length = usize::from(flexible);
                $(
                    if field!(@tag $($tag)?).is_none() && field!(@has version $(, $versions)?) {
                        length += <$type as $crate::kafka::codec::Field>::min_len(version, flexible);
                    }
                )*
                length
            }

            fn read(
                reader: &mut $crate::kafka::Reader,
                version: i16,
                flexible: bool,
            ) -> Result<Self, $crate::kafka::DecodeError> {
                let mut this = Self::default();
                $(
                    if field!(@tag $($tag)?).is_none() && field!(@has version $(, $versions)?) {
                        this.$field = $crate::kafka::codec::Field::read(reader, version, flexible)?;
                        $(
                            if this.$field.is_none() && !field!(@has version, $nullable) {
                                let field = concat!(stringify!($name), "::", stringify!($field));
                                return Err($crate::kafka::DecodeError::UnexpectedNull(field));
                            }
                        )?
                    }
                )*
                if flexible {
                    reader.tagged_fields(|reader, tag| {
                        $(
                            if field!(@tag $($tag)?) == Some(tag) && field!(@has version $(, $versions)?) {
                                this.$field = $crate::kafka::codec::Field::read(reader, version, flexible)?;
                                return Ok(true);
                            }
                        )*
                        Ok(false)
                    })?;
                }
                Ok(this)
            }

            fn write(
                &self,
                writer: &mut $crate::kafka::Writer,
                version: i16,
                flexible: bool,
            ) -> Result<(), $crate::kafka::EncodeError> {
                let mut tagged = 0;
                $(
                    if !field!(@has version $(, $versions)?) {
                        if !field!(@ignored $($ignored)?) && self.$field != field!(@default $type $(, $default)?) {
                            let field = concat!(stringify!($name), "::", stringify!($field));
                            return Err($crate::kafka::EncodeError::FieldNotInVersion { field, version });
                        }
                    } else if field!(@tag $($tag)?).is_none() {
                        $(
                            if self.$field.is_none() && !field!(@has version, $nullable) {
                                let field = concat!(stringify!($name), "::", stringify!($field));
                                return Err($crate::kafka::EncodeError::UnexpectedNull { field, version });
                            }
                        )?
                        $crate::kafka::codec::Field::write(&self.$field, writer, version, flexible)?;
                    } else if self.$field != field!(@default $type $(, $default)?) {
                        tagged += 1;
                    }
                )*
                if flexible {
                    writer.unsigned_varint(tagged);
                    $(
                        if let Some(tag) = field!(@tag $($tag)?)
                            && field!(@has version $(, $versions)?)
                            && self.$field != field!(@default $type $(, $default)?)
                        {
                            writer.tagged_field(tag, |writer| {
                                $crate::kafka::codec::Field::write(&self.$field, writer, version, flexible)
                            })?;
                        }
                    )*
                }
                Ok(())
            }
        }

        impl $crate::kafka::codec::Nullable for $name {
            fn min_len(_version: i16, _flexible: bool) -> usize {
                1
            }

            fn read_nullable(
                reader: &mut $crate::kafka::Reader,
                version: i16,
                flexible: bool,
            ) -> Result<Option<Self>, $crate::kafka::DecodeError> {
                match reader.i8()? {
                    -1 => Ok(None),
                    1 => $crate::kafka::codec::Field::read(reader, version, flexible).map(Some),
                    other => Err($crate::kafka::DecodeError::InvalidPresence(other)),
                }
            }

            fn write_nullable(
                value: Option<&Self>,
                writer: &mut $crate::kafka::Writer,
                version: i16,
                flexible: bool,
            ) -> Result<(), $crate::kafka::EncodeError> {
                writer.i8(if value.is_some() { 1 } else { -1 });
                value.map_or(Ok(()), |value| {
                    $crate::kafka::codec::Field::write(value, writer, version, flexible)
                })
            }
        }

        #[cfg(test)]
        impl $crate::kafka::messages::tests::Sample for $name {
            fn sample(source: &mut $crate::kafka::messages::tests::Source, version: i16) -> Self {
                let mut this = Self::default();
                $(
                    if field!(@has version $(, $versions)?) {
                        this.$field = $crate::kafka::messages::tests::Sample::sample(source, version);
                        $(
                            if this.$field.is_none() && !field!(@has version, $nullable) {
                                this.$field = Some(Default::default());
                            }
                        )?
                    }
                )*
                this
            }
        }
    };
}

/// What the clauses of one field say.
macro_rules! field {
    (@default $type:ty) => {
        <$type>::default()
    };
    (@default $type:ty, $default:expr) => {
        $default
    };
    (@has $version:ident) => {
        true
    };
    (@has $version:ident, $versions:expr) => {
        ($versions).contains(&$version)
    };
    (@tag) => {
        None::<u32>
    };
    (@tag $tag:literal) => {
        Some::<u32>($tag)
    };
    (@ignored) => {
        false
    };
    (@ignored ignored) => {
        true
    };
}
