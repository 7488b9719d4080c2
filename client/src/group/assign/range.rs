//! Of each topic a range of partitions to each member that wants it; the first members get one more
//! where the partitions do not divide evenly.

use std::collections::BTreeMap;

use barnabas_protocol::kafka::Str;

use super::{Assignments, Candidate, in_order, nothing};

pub(super) fn assign(topics: &BTreeMap<Str, i32>, members: &[Candidate]) -> Assignments {
    let mut assignments = nothing(members);
    let sorted = in_order(members);
    for (topic, count) in topics {
        let wanting: Vec<_> = sorted.iter().filter(|member| member.wants(topic)).collect();
        let Ok(members) = i32::try_from(wanting.len()) else { continue };
        if members == 0 {
            continue;
        }
        let (each, rest) = (count / members, count % members);
        let mut first = 0;
        for (member, turn) in wanting.into_iter().zip(0..) {
            let next = first + each + i32::from(turn < rest);
            let mine = assignments.entry(member.member_id.clone()).or_default();
            mine.extend((first..next).map(|index| (topic.clone(), index, ())));
            first = next;
        }
    }
    assignments
}
