mod invariants;
mod membership;
mod rebalances;
mod statics;

use std::collections::VecDeque;

use barnabas_protocol::kafka::Str;
use bytes::Bytes;

use super::*;
use crate::group::error::GroupError;

const SESSION_MS: i32 = 10_000;
const REBALANCE_MS: i32 = 30_000;
const DELAY_MS: u64 = 3_000;

/// A group under test, with its time and the names of replies.
struct Scene {
    group: Group,
    ms: u64,
    max_size: usize,
    replies: u64,
    /// What is being written.
    writes: VecDeque<Kept>,
}

/// One answered or unanswered request.
#[derive(Debug, PartialEq)]
enum Said {
    Joined(u64, Result<Joined, Refused>),
    Synced(u64, Result<Synced, GroupError>),
    Persisted { generation: i32, members: usize },
}

impl Scene {
    fn new() -> Self {
        Self { group: Group::default(), ms: 0, max_size: 100, replies: 0, writes: VecDeque::new() }
    }

    fn on<T>(&mut self, event: impl FnOnce(&mut Group, &mut Context<'_>) -> T) -> (T, Vec<Said>) {
        let mut out = Vec::new();
        let now = Now { ms: self.ms, wall_ms: self.ms as i64 };
        let settings = Settings { initial_rebalance_delay_ms: DELAY_MS, max_size: self.max_size };
        let result = event(&mut self.group, &mut Context { now, settings, out: &mut out });
        let said = out.into_iter().map(|command| match command {
            Command::Joined(ReplyId(id), result) => Said::Joined(id, result),
            Command::Synced(ReplyId(id), result) => Said::Synced(id, result),
            Command::Persist(value, kept) => {
                self.writes.push_back(kept);
                Said::Persisted { generation: value.generation, members: value.members.len() }
            }
        });
        let said = said.collect();
        (result, said)
    }

    fn reply(&mut self) -> ReplyId {
        self.replies += 1;
        ReplyId(self.replies)
    }

    fn join(&mut self, join: Join) -> Vec<Said> {
        let reply = self.reply();
        self.on(|group, cx| group.join(cx, join, reply)).1
    }

    fn sync(&mut self, member: &str, generation: i32, assignments: &[(&str, &str)]) -> Vec<Said> {
        let sync = SyncGroup {
            caller: caller(member, generation),
            protocol_type: Some("consumer".into()),
            protocol: None,
            assignments: assignments
                .iter()
                .map(|(id, a)| (Str::from(*id), Bytes::copy_from_slice(a.as_bytes())))
                .collect(),
        };
        let reply = self.reply();
        self.on(|group, cx| group.sync(cx, sync, reply)).1
    }

    /// All that is being written is written, or cannot be.
    fn persisted(&mut self, result: Result<(), GroupError>) -> Vec<Said> {
        let mut said = Vec::new();
        for _ in 0..self.writes.len() {
            said.extend(self.first_persisted(result));
        }
        said
    }

    fn first_persisted(&mut self, result: Result<(), GroupError>) -> Vec<Said> {
        let Some(kept) = self.writes.pop_front() else { return Vec::new() };
        self.on(|group, cx| group.persisted(cx, &kept, result)).1
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> Result<(), GroupError> {
        self.on(|group, cx| group.heartbeat(cx, &caller(member, generation))).0
    }

    fn leave(&mut self, member: &str) -> (Vec<Result<(), GroupError>>, Vec<Said>) {
        let leaver = Leaver { member_id: member.into(), instance: None };
        let (result, said) = self.on(|group, cx| group.leave(cx, &[leaver]));
        (result.expect("not dead"), said)
    }

    /// Lets time pass, timer by timer.
    fn pass(&mut self, ms: u64) -> Vec<Said> {
        let end = self.ms + ms;
        let mut said = Vec::new();
        while let Some(at) = self.group.next_deadline().filter(|at| *at <= end) {
            self.ms = self.ms.max(at);
            said.extend(self.on(Group::tick).1);
        }
        self.ms = end;
        said
    }

    /// A stable group of these members, the first of which leads; in generation 1.
    fn stable(members: &[&str]) -> Self {
        let mut scene = Self::new();
        for member in members {
            scene.join(new_member(member));
        }
        scene.pass(2 * DELAY_MS);
        for member in members {
            scene.sync(member, 1, &[]);
        }
        scene.persisted(Ok(()));
        assert_eq!(scene.group.state_name(), "Stable");
        scene
    }
}

fn caller(member: &str, generation: i32) -> Caller {
    Caller { member_id: member.into(), instance: None, generation }
}

fn protocol(name: &str) -> Protocol {
    Protocol { name: name.into(), metadata: Bytes::from(format!("{name} metadata")) }
}

/// An old client's first join, which is taken without a second one; it gets the id `member`.
fn new_member(member: &str) -> Join {
    Join {
        member_id: Str::default(),
        instance: None,
        new_member_id: member.into(),
        client_id: "client".into(),
        client_host: "/host".into(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: REBALANCE_MS,
        protocol_type: "consumer".into(),
        protocols: vec![protocol("range")],
        needs_member_id: false,
        can_skip_assignment: true,
    }
}

fn known_member(member: &str) -> Join {
    Join { member_id: member.into(), ..new_member("unused") }
}

fn joined(member: &str, generation: i32, leader: &str, members: &[&str]) -> Joined {
    let seen = |id: &&str| JoinedMember {
        member_id: Str::from(*id),
        instance: None,
        metadata: Bytes::from("range metadata"),
    };
    Joined {
        generation,
        protocol_type: Some("consumer".into()),
        protocol: Some("range".into()),
        leader: leader.into(),
        skip_assignment: false,
        member_id: member.into(),
        members: members.iter().map(seen).collect(),
    }
}

fn synced(assignment: &'static str) -> Synced {
    Synced {
        protocol_type: Some("consumer".into()),
        protocol: Some("range".into()),
        assignment: Bytes::from(assignment),
    }
}

fn refused(error: GroupError, member: &str) -> Refused {
    Refused { error, member_id: member.into() }
}
