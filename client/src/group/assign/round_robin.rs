//! One partition after the other to one member after the other, leaving out members that do not
//! want the topic.

use std::collections::BTreeMap;

use barnabas_protocol::kafka::Str;

use super::{Assignments, Candidate, in_order, nothing};

pub(super) fn assign(topics: &BTreeMap<Str, i32>, members: &[Candidate]) -> Assignments {
    let mut assignments = nothing(members);
    let sorted = in_order(members);
    let mut turn = 0;
    for (topic, count) in topics {
        for index in 0..*count {
            let next =
                (turn..turn + sorted.len()).find(|at| sorted[at % sorted.len()].wants(topic));
            let Some(at) = next else { break };
            let member = &sorted[at % sorted.len()].member_id;
            assignments.entry(member.clone()).or_default().insert(topic.clone(), index, ());
            turn = (at + 1) % sorted.len();
        }
    }
    assignments
}
