//! The anomaly checker.
//!
//! For each partition the polls (and the offsets that producers were told) give the order of the
//! values; then
//!
//! | anomaly | rule |
//! |---|---|
//! | inconsistent offset | one offset was seen with two values |
//! | duplicate | one value was seen at two offsets |
//! | lost write | an acknowledged value was not read although a later one was |
//! | unseen | an acknowledged value was not read, and no later one either |
//! | aborted read | a value was read whose send was refused for good |
//! | phantom | a value was read that nobody sent |
//! | reordered send | a producer's acknowledged sends to a partition have offsets that go down |
//! | poll went back | a consumer read an offset that is not above the one it read before |
//! | poll skipped | a consumer jumped over an offset that somebody read |

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Op, Outcome};

/// Something that must not be; partition first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anomaly {
    /// One offset with several values.
    InconsistentOffset(i32, i64, Vec<u64>),
    /// One value at several offsets.
    Duplicate(i32, u64, Vec<i64>),
    /// An acknowledged value was not read although a later one was.
    LostWrite(i32, u64),
    /// An acknowledged value at the end was not read.
    Unseen(i32, u64),
    /// A value was read whose send was refused.
    AbortedRead(i32, u64),
    /// A value was read that nobody sent.
    Phantom(i32, u64),
    /// The producer, and the offsets that go down.
    ReorderedSend(i32, u32, i64, i64),
    /// The consumer, and the offsets that go down or repeat.
    PollWentBack(i32, u32, i64, i64),
    /// The consumer, and the offsets between which it left something out.
    PollSkipped(i32, u32, i64, i64),
}

#[derive(Default)]
struct Partition {
    /// Offset to the values seen there.
    at: BTreeMap<i64, BTreeSet<u64>>,
    /// Value to the offsets it was seen at.
    of: HashMap<u64, BTreeSet<i64>>,
    read: BTreeSet<i64>,
    read_values: BTreeSet<u64>,
    sent: HashMap<u64, (Outcome, Option<i64>)>,
}

/// All anomalies of a history whose consumers read to the end after its producers had stopped.
#[must_use]
pub fn check(history: &[Op]) -> Vec<Anomaly> {
    let partitions = collect(history);
    let mut found = Vec::new();
    for (&index, partition) in &partitions {
        check_offsets(index, partition, &mut found);
        check_sends(index, partition, &mut found);
    }
    check_send_order(history, &mut found);
    check_polls(history, &partitions, &mut found);
    found.sort();
    found
}

fn collect(history: &[Op]) -> BTreeMap<i32, Partition> {
    let mut partitions: BTreeMap<i32, Partition> = BTreeMap::new();
    for op in history {
        match op {
            Op::Send { partition, value, outcome, offset, .. } => {
                let place = partitions.entry(*partition).or_default();
                place.sent.insert(*value, (*outcome, *offset));
                if let (Outcome::Ok, Some(offset)) = (outcome, offset) {
                    place.see(*offset, *value);
                }
            }
            Op::Poll { records, .. } => {
                for &(partition, offset, value) in records {
                    let place = partitions.entry(partition).or_default();
                    place.see(offset, value);
                    place.read.insert(offset);
                    place.read_values.insert(value);
                }
            }
            Op::Assign { .. } => {}
        }
    }
    partitions
}

impl Partition {
    fn see(&mut self, offset: i64, value: u64) {
        self.at.entry(offset).or_default().insert(value);
        self.of.entry(value).or_default().insert(offset);
    }
}

fn check_offsets(index: i32, partition: &Partition, found: &mut Vec<Anomaly>) {
    for (&offset, values) in &partition.at {
        if values.len() > 1 {
            let values = values.iter().copied().collect();
            found.push(Anomaly::InconsistentOffset(index, offset, values));
        }
    }
    for (&value, offsets) in &partition.of {
        if offsets.len() > 1 {
            found.push(Anomaly::Duplicate(index, value, offsets.iter().copied().collect()));
        }
    }
}

fn check_sends(index: i32, partition: &Partition, found: &mut Vec<Anomaly>) {
    let last_read = partition.read.last().copied().unwrap_or(-1);
    for (&value, &(outcome, offset)) in &partition.sent {
        let read = partition.read_values.contains(&value);
        match outcome {
            Outcome::Ok if !read && offset.is_some_and(|o| o < last_read) => {
                found.push(Anomaly::LostWrite(index, value));
            }
            Outcome::Ok if !read => found.push(Anomaly::Unseen(index, value)),
            Outcome::Fail if read => found.push(Anomaly::AbortedRead(index, value)),
            _ => {}
        }
    }
    for &value in &partition.read_values {
        if !partition.sent.contains_key(&value) {
            found.push(Anomaly::Phantom(index, value));
        }
    }
}

/// Sends stand in the history in the order in which the producer was given them.
fn check_send_order(history: &[Op], found: &mut Vec<Anomaly>) {
    let mut last: HashMap<(u32, i32), i64> = HashMap::new();
    for op in history {
        let Op::Send { process, partition, outcome: Outcome::Ok, offset: Some(offset), .. } = op
        else {
            continue;
        };
        let before = last.insert((*process, *partition), *offset).unwrap_or(-1);
        if before >= *offset {
            found.push(Anomaly::ReorderedSend(*partition, *process, before, *offset));
        }
    }
}

fn check_polls(history: &[Op], partitions: &BTreeMap<i32, Partition>, found: &mut Vec<Anomaly>) {
    let mut last: HashMap<(u32, i32), i64> = HashMap::new();
    for op in history {
        match op {
            Op::Assign { process } => last.retain(|(p, _), _| p != process),
            Op::Poll { process, records } => {
                for &(partition, offset, _) in records {
                    let Some(before) = last.insert((*process, partition), offset) else { continue };
                    if offset <= before {
                        found.push(Anomaly::PollWentBack(partition, *process, before, offset));
                    } else if partitions[&partition].read.range(before + 1..offset).count() > 0 {
                        found.push(Anomaly::PollSkipped(partition, *process, before, offset));
                    }
                }
            }
            Op::Send { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(value: u64, outcome: Outcome, offset: impl Into<Option<i64>>) -> Op {
        Op::Send { process: 1, partition: 0, value, outcome, offset: offset.into() }
    }

    fn ok(value: u64, offset: i64) -> Op {
        send(value, Outcome::Ok, offset)
    }

    fn poll(process: u32, records: &[(i64, u64)]) -> Op {
        Op::Poll { process, records: records.iter().map(|&(o, v)| (0, o, v)).collect() }
    }

    #[test]
    fn a_clean_history_has_no_anomaly() {
        let history = [
            ok(10, 0),
            send(11, Outcome::Info, None),
            ok(12, 2),
            send(13, Outcome::Fail, None),
            send(14, Outcome::Info, None),
            poll(2, &[(0, 10), (1, 11)]),
            poll(2, &[(2, 12)]),
            Op::Assign { process: 2 },
            poll(2, &[(0, 10), (1, 11), (2, 12)]),
        ];
        assert_eq!(check(&history), []);
    }

    #[test]
    fn partitions_do_not_mix() {
        let other =
            Op::Send { process: 1, partition: 1, value: 10, outcome: Outcome::Ok, offset: Some(0) };
        let read = Op::Poll { process: 2, records: vec![(1, 0, 10), (0, 0, 10)] };
        assert_eq!(check(&[ok(10, 0), other, read]), []);
    }

    #[test]
    fn planted_a_record_is_lost() {
        let history = [ok(10, 0), ok(11, 1), ok(12, 2), poll(2, &[(0, 10), (2, 12)])];
        assert_eq!(check(&history), [Anomaly::LostWrite(0, 11)]);
    }

    #[test]
    fn planted_the_log_lost_its_end() {
        let history = [ok(10, 0), ok(11, 1), ok(12, 2), poll(2, &[(0, 10)])];
        assert_eq!(check(&history), [Anomaly::Unseen(0, 11), Anomaly::Unseen(0, 12)]);
    }

    #[test]
    fn planted_nothing_could_be_read_at_all() {
        assert_eq!(check(&[send(10, Outcome::Ok, None)]), [Anomaly::Unseen(0, 10)]);
    }

    #[test]
    fn planted_a_retry_was_appended_twice() {
        let history = [ok(10, 0), ok(11, 2), poll(2, &[(0, 10), (1, 10), (2, 11)])];
        assert_eq!(check(&history), [Anomaly::Duplicate(0, 10, vec![0, 1])]);
    }

    #[test]
    fn planted_an_acknowledged_record_is_elsewhere() {
        let history = [ok(10, 0), ok(11, 5), poll(2, &[(0, 10), (1, 11)])];
        assert_eq!(check(&history), [Anomaly::Duplicate(0, 11, vec![1, 5])]);
    }

    #[test]
    fn planted_an_offset_was_given_twice() {
        // The broker lost its end in a crash and gave offset 1 to another record.
        let history = [ok(10, 0), ok(11, 1), ok(12, 1), poll(2, &[(0, 10), (1, 12)])];
        let wanted = [
            Anomaly::InconsistentOffset(0, 1, vec![11, 12]),
            Anomaly::Unseen(0, 11),
            Anomaly::ReorderedSend(0, 1, 1, 1),
        ];
        assert_eq!(check(&history), wanted);
    }

    #[test]
    fn planted_two_consumers_disagree() {
        let history = [
            ok(10, 0),
            send(11, Outcome::Info, None),
            send(12, Outcome::Info, None),
            poll(2, &[(0, 10), (1, 11)]),
            poll(3, &[(0, 10), (1, 12)]),
        ];
        assert_eq!(check(&history), [Anomaly::InconsistentOffset(0, 1, vec![11, 12])]);
    }

    #[test]
    fn planted_a_refused_record_is_there() {
        let history = [send(10, Outcome::Fail, None), poll(2, &[(0, 10)])];
        assert_eq!(check(&history), [Anomaly::AbortedRead(0, 10)]);
    }

    #[test]
    fn planted_garbage_is_read() {
        assert_eq!(check(&[ok(10, 0), poll(2, &[(0, 10), (1, 99)])]), [Anomaly::Phantom(0, 99)]);
    }

    #[test]
    fn planted_a_producer_is_reordered() {
        let history = [ok(11, 1), ok(10, 0), poll(2, &[(0, 10), (1, 11)])];
        assert_eq!(check(&history), [Anomaly::ReorderedSend(0, 1, 1, 0)]);
    }

    #[test]
    fn planted_a_consumer_goes_back_and_repeats() {
        let history = [ok(10, 0), ok(11, 1), poll(2, &[(0, 10), (1, 11), (1, 11), (0, 10)])];
        let wanted = [Anomaly::PollWentBack(0, 2, 1, 0), Anomaly::PollWentBack(0, 2, 1, 1)];
        assert_eq!(check(&history), wanted);
    }

    #[test]
    fn planted_a_consumer_skips() {
        let history = [
            ok(10, 0),
            ok(11, 1),
            ok(12, 2),
            poll(2, &[(0, 10), (1, 11), (2, 12)]),
            poll(3, &[(0, 10)]),
            poll(3, &[(2, 12)]),
        ];
        assert_eq!(check(&history), [Anomaly::PollSkipped(0, 3, 0, 2)]);
    }
}
