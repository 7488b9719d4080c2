use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::ByPartition;

fn topics(counts: &[i32]) -> BTreeMap<Str, i32> {
    counts
        .iter()
        .zip('a'..)
        .map(|(count, name)| (name.to_string().as_str().into(), *count))
        .collect()
}

/// A member that wants topics, by letters.
fn member(id: &str, wants: &str) -> Candidate {
    let topics = wants.chars().map(|name| Str::from(name.to_string().as_str())).collect();
    let subscription = Subscription { topics, generation: -1, ..Subscription::default() };
    Candidate { member_id: id.into(), instance_id: None, subscription }
}

fn show(assignments: &Assignments) -> Vec<String> {
    let show = |set: &PartitionSet| {
        set.iter().map(|(topic, index, ())| format!("{}{index}", &**topic)).collect::<Vec<_>>()
    };
    assignments.iter().map(|(id, set)| format!("{}: {}", &**id, show(set).join(" "))).collect()
}

#[test]
fn range_gives_ranges_of_each_topic() {
    let members = [member("y", "ab"), member("x", "ab")];
    let assigned = Assignor::Range.assign(&topics(&[3, 3]), &members);
    assert_eq!(show(&assigned), ["x: a0 a1 b0 b1", "y: a2 b2"]);
    // Static members go first, by their own names.
    let mut named = members;
    named[0].instance_id = Some("1".into());
    let assigned = Assignor::Range.assign(&topics(&[3]), &named);
    assert_eq!(show(&assigned), ["x: a2", "y: a0 a1"]);
}

#[test]
fn round_robin_takes_turns() {
    let members = [member("x", "a"), member("y", "ab"), member("z", "ab")];
    let assigned = Assignor::RoundRobin.assign(&topics(&[2, 3]), &members);
    assert_eq!(show(&assigned), ["x: a0", "y: a1 b1", "z: b0 b2"]);
}

#[test]
fn sticky_finds_ways_through_others() {
    // Only `y` can take from `x`, and only `z` from `y`.
    let members = [member("x", "a"), member("y", "ab"), member("z", "b")];
    let claims = [("x", "a", 0..3), ("y", "b", 0..2), ("z", "b", 2..3)];
    let mut members = members;
    for (one, (_, topic, range)) in members.iter_mut().zip(claims) {
        one.subscription.owned = range.map(|index| (Str::from(topic), index)).collect();
        one.subscription.generation = 1;
    }
    let claims = cooperative_claims(&members);
    let assigned = sticky::assign(&topics(&[3, 3]), &members, &claims);
    assert_eq!(assigned.values().map(PartitionSet::len).collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn of_two_owners_the_later_generation_counts() {
    let mut members = [member("x", "a"), member("y", "a")];
    for (member, generation) in members.iter_mut().zip([4, 5]) {
        member.subscription.owned = [("a".into(), 0)].into_iter().collect();
        member.subscription.generation = generation;
    }
    let assigned = Assignor::CooperativeSticky.assign(&topics(&[1]), &members);
    assert_eq!(show(&assigned), ["x: ", "y: a0"]);
}

fn members() -> impl Strategy<Value = Vec<Candidate>> {
    let wants = proptest::collection::btree_set(0..4_u8, 1..4);
    proptest::collection::vec(wants, 1..6).prop_map(|all| {
        let letters =
            |set: BTreeSet<u8>| set.into_iter().map(|n| char::from(b'a' + n)).collect::<String>();
        all.into_iter().zip('p'..).map(|(set, id)| member(&id.to_string(), &letters(set))).collect()
    })
}

/// Whoever gets a partition wants it, and every one that somebody wants is given once.
fn check_complete(assigned: &Assignments, topics: &BTreeMap<Str, i32>, members: &[Candidate]) {
    let mut given: ByPartition<()> = ByPartition::default();
    for member in members {
        for (topic, index, ()) in assigned[&member.member_id].iter() {
            assert!(member.wants(topic), "{topic:?}");
            assert_eq!(given.insert(topic.clone(), index, ()), None, "given twice");
        }
    }
    let wanted = topics.iter().filter(|(topic, _)| members.iter().any(|m| m.wants(topic)));
    assert_eq!(given.len() as i32, wanted.map(|(_, count)| count).sum::<i32>());
}

/// What members have after an assignment.
fn take(members: &mut [Candidate], assigned: &Assignments, generation: i32) {
    for member in members {
        let mine = &assigned[&member.member_id];
        member.subscription.user_data = Assignor::Sticky.user_data(mine, generation);
        member.subscription.owned = mine.clone();
        member.subscription.generation = generation;
    }
}

/// No partition can go from a member to one with two fewer that wants it.
fn check_even(assigned: &Assignments, members: &[Candidate]) {
    for from in members {
        let mine = &assigned[&from.member_id];
        for to in members {
            let movable = mine.topics().any(|(topic, _)| to.wants(topic));
            let theirs = assigned[&to.member_id].len();
            assert!(!movable || theirs + 1 >= mine.len(), "{} and {theirs}", mine.len());
        }
    }
}

proptest! {
    #[test]
    fn everything_is_given_once(counts in proptest::collection::vec(0..7_i32, 4), members in members()) {
        let topics = topics(&counts);
        for assignor in Assignor::ALL {
            check_complete(&assignor.assign(&topics, &members), &topics, &members);
        }
    }

    #[test]
    fn sticky_is_even_and_keeps_what_it_can(
        counts in proptest::collection::vec(0..7_i32, 4),
        members in members(),
        leaver in any::<prop::sample::Index>(),
    ) {
        let (topics, mut members) = (topics(&counts), members);
        let first = Assignor::Sticky.assign(&topics, &members);
        check_even(&first, &members);
        take(&mut members, &first, 1);
        prop_assert_eq!(&Assignor::Sticky.assign(&topics, &members), &first);
        // Without one of them, the others keep everything, as long as all want the same.
        if members.len() > 1 && members.iter().all(|m| m.subscription.topics == members[0].subscription.topics) {
            members.remove(leaver.index(members.len()));
            let second = Assignor::Sticky.assign(&topics, &members);
            for member in &members {
                let lost = first[&member.member_id].without(&second[&member.member_id]);
                prop_assert!(lost.is_empty(), "{lost:?}");
            }
        }
    }

    /// No partition changes hands directly, and after a second round all are where they belong.
    #[test]
    fn cooperative_members_give_up_first(
        counts in proptest::collection::vec(0..7_i32, 4),
        before in members(),
        after in members(),
    ) {
        let topics = topics(&counts);
        let mut members = before;
        let first = Assignor::CooperativeSticky.assign(&topics, &members);
        take(&mut members, &first, 1);
        // Some change what they want, some come, some go.
        let mut next = after;
        for member in &mut next {
            if let Some(old) = members.iter().find(|old| old.member_id == member.member_id) {
                member.subscription.owned = old.subscription.owned.clone();
                member.subscription.owned.retain(|topic, _, ()| member.subscription.topics.contains(topic));
                member.subscription.generation = 1;
            }
        }
        let second = Assignor::CooperativeSticky.assign(&topics, &next);
        for (to, from) in next.iter().flat_map(|to| next.iter().map(move |from| (to, from))) {
            let taken = second[&to.member_id].iter().filter(|(topic, index, ())| {
                to.member_id != from.member_id && from.subscription.owned.contains(topic, *index)
            });
            prop_assert_eq!(taken.count(), 0);
        }
        take(&mut next, &second, 2);
        let third = Assignor::CooperativeSticky.assign(&topics, &next);
        check_complete(&third, &topics, &next);
        check_even(&third, &next);
    }
}
