//! Where reading begins.

use anyhow::Context;
use barnabas_client::consumer::{EARLIEST, LATEST, Reader};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A place in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The first record there is.
    Earliest,
    /// The next record to come.
    Latest,
    /// A given offset.
    Offset(i64),
    /// So many records before the end.
    FromEnd(i64),
    /// The first record at or after a time, in milliseconds since 1970.
    Time(i64),
}

impl Start {
    /// Reads `earliest`, `beginning`, `latest`, `end`, `17`, `-17` or `@2026-01-01T00:00`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let number =
            |text: &str| text.parse::<i64>().map_err(|_| format!("{text} is not an offset"));
        match text {
            "earliest" | "beginning" => Ok(Self::Earliest),
            "latest" | "end" => Ok(Self::Latest),
            _ => match (text.strip_prefix('@'), text.strip_prefix('-')) {
                (Some(time), _) => time_of(time).map(Self::Time).map_err(|e| format!("{e:#}")),
                (_, Some(back)) => number(back).map(Self::FromEnd),
                _ => number(text).map(Self::Offset),
            },
        }
    }

    /// The offset in one partition.
    pub(super) async fn resolve(self, reader: &Reader<'_>, index: i32) -> anyhow::Result<i64> {
        Ok(match self {
            Self::Earliest => reader.offset_at(index, EARLIEST).await?,
            Self::Latest => reader.offset_at(index, LATEST).await?,
            Self::Offset(offset) => offset,
            Self::FromEnd(back) => {
                let first = reader.offset_at(index, EARLIEST).await?;
                (reader.offset_at(index, LATEST).await? - back).max(first)
            }
            Self::Time(ms) => reader.offset_at(index, ms).await?,
        })
    }
}

/// Milliseconds since 1970, or a date and time with or without an offset from UTC.
fn time_of(text: &str) -> anyhow::Result<i64> {
    if let Ok(ms) = text.parse() {
        return Ok(ms);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let local: DateTime = text.parse().with_context(|| format!("{text} is not a time"))?;
    Ok(local.to_zoned(TimeZone::UTC)?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_as_people_type_them() {
        for (text, start) in [
            ("earliest", Start::Earliest),
            ("end", Start::Latest),
            ("17", Start::Offset(17)),
            ("-5", Start::FromEnd(5)),
            ("@1000", Start::Time(1000)),
            ("@1970-01-01T00:00:01Z", Start::Time(1000)),
            ("@1970-01-01T00:01", Start::Time(60_000)),
            ("@1970-01-02", Start::Time(86_400_000)),
        ] {
            assert_eq!(Start::parse(text), Ok(start), "{text}");
        }
        assert!(Start::parse("soon").is_err());
    }
}
