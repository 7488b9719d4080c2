//! What producers and consumers saw, and the checker that finds anomalies in it.
//!
//! The semantics are those of Jepsen's Kafka workload: every value is sent once at most and is
//! unique within its partition; every send and every poll is recorded, with what the client was
//! told. A history is a file of JSON lines, written by the load scripts of `clients/` and read with
//! [`parse`]; [`check::check`] judges it.
//!
//! Not here: transactions, and consumers whose partitions move (`subscribe` with several members).

pub mod check;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// One operation of one client. Operations stand in the order in which the client did them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "f", rename_all = "lowercase", deny_unknown_fields)]
pub enum Op {
    /// A record was given to a producer.
    Send {
        /// The producer.
        process: u32,
        /// The partition it went to.
        partition: i32,
        /// What it held.
        value: u64,
        /// What the producer was told.
        outcome: Outcome,
        /// Where the broker said it is; only with [`Outcome::Ok`], and unknown with acks=0.
        offset: Option<i64>,
    },
    /// A consumer was given records, in this order.
    Poll {
        /// The consumer.
        process: u32,
        /// Partition, offset and value of each.
        records: Vec<(i32, i64, u64)>,
    },
    /// A consumer was placed anew: what it reads next need not follow what it read before.
    Assign {
        /// The consumer.
        process: u32,
    },
}

/// What a producer was told about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Acknowledged: it must be there.
    Ok,
    /// Refused for good: it must not be there.
    Fail,
    /// Timed out or disconnected: it may be there.
    Info,
}

/// Reads a history of JSON lines. A last line without its end (the writer was killed) is left out.
///
/// # Errors
/// When another line is not an operation.
pub fn parse(text: &str) -> Result<Vec<Op>> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().enumerate();
    lines
        .map(|(i, line)| serde_json::from_str(line).with_context(|| format!("line {}", i + 1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_read_up_to_where_its_writer_died() {
        let text = r#"{"f":"send","process":1,"partition":0,"value":7,"outcome":"ok","offset":3}
{"f":"send","process":1,"partition":0,"value":8,"outcome":"info"}
{"f":"assign","process":2}
{"f":"poll","process":2,"records":[[0,3,7]]}
{"f":"poll","process":2,"reco"#;
        let wanted = [
            Op::Send { process: 1, partition: 0, value: 7, outcome: Outcome::Ok, offset: Some(3) },
            Op::Send { process: 1, partition: 0, value: 8, outcome: Outcome::Info, offset: None },
            Op::Assign { process: 2 },
            Op::Poll { process: 2, records: vec![(0, 3, 7)] },
        ];
        assert_eq!(parse(text).unwrap(), wanted);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(parse("{\"f\":\"sned\"}\n").is_err());
    }
}
