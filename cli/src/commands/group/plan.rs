//! Offsets that a group shall have, in the CSV form of Kafka's tool: `topic,partition,offset`, with
//! the group in front if there is more than one.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use barnabas_client::ByPartition;
use barnabas_protocol::kafka::Str;

/// The new offsets of each group.
pub(super) type Plans = BTreeMap<String, ByPartition<i64>>;

/// Reads a plan. Lines without a group are about `only`.
pub(super) fn parse(text: &str, only: Option<&str>) -> anyhow::Result<Plans> {
    let mut plans = Plans::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let cells: Vec<String> =
            line.split(',').map(|cell| cell.trim().trim_matches('"').to_owned()).collect();
        let (group, topic, partition, offset) = match (&cells[..], only) {
            ([topic, partition, offset], Some(group)) => (group, topic, partition, offset),
            ([group, topic, partition, offset], _) => (group.as_str(), topic, partition, offset),
            _ => bail!("\"{line}\" is not TOPIC,PARTITION,OFFSET, or GROUP,TOPIC,PARTITION,OFFSET"),
        };
        let wrong = || format!("\"{line}\"");
        let (index, offset) =
            (partition.parse().with_context(wrong)?, offset.parse().with_context(wrong)?);
        let plan = plans.entry(group.to_owned()).or_default();
        plan.insert(Str::from(topic), index, offset);
    }
    Ok(plans)
}

/// Writes a plan; with the names of the groups unless there is only one.
pub(super) fn to_csv(plans: &Plans, with_groups: bool) -> String {
    let mut text = String::new();
    for (group, offsets) in plans {
        for (topic, index, offset) in offsets.iter() {
            let group = if with_groups { format!("{},", quoted(group)) } else { String::new() };
            text.push_str(&format!("{group}{},{index},{offset}\n", quoted(topic)));
        }
    }
    text
}

fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
    if name.chars().all(plain) { name.to_owned() } else { format!("\"{name}\"") }
}

/// Keeps an offset inside of what a partition has; says so where that changes it.
pub(super) fn clamp(wanted: i64, first: i64, end: i64) -> (i64, Option<&'static str>) {
    if wanted > end {
        (end, Some("higher than latest"))
    } else if wanted < first {
        (first, Some("lower than earliest"))
    } else {
        (wanted, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_written_and_read() {
        let one = parse("t,0,5\n\"u\",1,7\n", Some("g")).expect("valid");
        assert_eq!(to_csv(&one, false), "t,0,5\nu,1,7\n");
        let two = parse("g,t,0,5\nh,t,0,6\n", None).expect("valid");
        assert_eq!(to_csv(&two, true), "g,t,0,5\nh,t,0,6\n");
        assert_eq!(
            parse("g,t,0,5\n", Some("g")).expect("with a group, too"),
            parse("t,0,5", Some("g")).expect("valid")
        );
        for wrong in ["t,0", "t,0,x", "t,0,5"] {
            assert!(parse(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn offsets_stay_inside_the_log() {
        assert_eq!(clamp(5, 0, 10), (5, None));
        assert_eq!(clamp(11, 0, 10), (10, Some("higher than latest")));
        assert_eq!(clamp(-1, 3, 10), (3, Some("lower than earliest")));
    }
}
