//! Where reading begins.

use anyhow::Context;
use barnabas_client::offsets::{EARLIEST, LATEST, list_offsets};
use barnabas_client::{ByPartition, ClientError, Cluster, PartitionSet};
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
    /// This many records before the end.
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

    /// The offset in each partition; the end where no record is as late.
    pub(super) async fn resolve(
        self,
        cluster: &Cluster,
        partitions: &PartitionSet,
    ) -> Result<ByPartition<i64>, ClientError> {
        match self {
            Self::Earliest => at(cluster, partitions, EARLIEST).await,
            Self::Latest => at(cluster, partitions, LATEST).await,
            Self::Offset(offset) => Ok(with(partitions, offset)),
            Self::FromEnd(back) => {
                let first = at(cluster, partitions, EARLIEST).await?;
                let mut found = at(cluster, partitions, LATEST).await?;
                found.retain(|topic, index, offset| {
                    let first = first.get(topic, index).copied().unwrap_or_default();
                    *offset = (*offset - back).max(first);
                    true
                });
                Ok(found)
            }
            Self::Time(ms) => {
                let mut found = at(cluster, partitions, ms).await?;
                let late = found.iter().filter(|(_, _, offset)| **offset < 0);
                let late = late.map(|(topic, index, _)| (topic.clone(), index)).collect();
                let ends = at(cluster, &late, LATEST).await?;
                found.extend(ends.iter().map(|(topic, index, end)| (topic.clone(), index, *end)));
                Ok(found)
            }
        }
    }
}

async fn at(
    cluster: &Cluster,
    partitions: &PartitionSet,
    timestamp: i64,
) -> Result<ByPartition<i64>, ClientError> {
    let found = list_offsets(cluster, &with(partitions, timestamp), false).await?;
    let offset = |found: Result<i64, _>| found.map_err(|code| ClientError::refused(code, None));
    found.iter().map(|(topic, index, found)| Ok((topic.clone(), index, offset(*found)?))).collect()
}

fn with(partitions: &PartitionSet, value: i64) -> ByPartition<i64> {
    partitions.iter().map(|(topic, index, ())| (topic.clone(), index, value)).collect()
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
