//! What holds after any history of a group.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Join { client: usize, instance: bool, needs_id: bool, protocols: usize },
    Sync { client: usize },
    Heartbeat { client: usize },
    Leave { client: usize },
    Persisted { ok: bool },
    Pass { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..4_usize;
    prop_oneof![
        4 => (client.clone(), any::<bool>(), any::<bool>(), 0..3_usize).prop_map(
            |(client, instance, needs_id, protocols)| Step::Join {
                client, instance, needs_id, protocols
            }
        ),
        4 => client.clone().prop_map(|client| Step::Sync { client }),
        2 => client.clone().prop_map(|client| Step::Heartbeat { client }),
        1 => client.prop_map(|client| Step::Leave { client }),
        3 => any::<bool>().prop_map(|ok| Step::Persisted { ok }),
        4 => (0..12_000_u64).prop_map(|ms| Step::Pass { ms }),
    ]
}

/// What clients know, and which of their requests are not answered.
#[derive(Default)]
struct World {
    ids: [Str; 4],
    generations: [i32; 4],
    waiting: BTreeSet<u64>,
    asked: Vec<usize>,
    highest_generation: i32,
}

impl World {
    fn hear(&mut self, said: Vec<Said>) {
        for said in said {
            match said {
                Said::Joined(reply, result) => {
                    assert!(self.waiting.remove(&reply), "answered twice");
                    let client = self.asked[reply as usize - 1];
                    match result {
                        Ok(joined) => {
                            assert!(joined.generation >= self.highest_generation);
                            self.highest_generation = joined.generation;
                            self.ids[client] = joined.member_id;
                            self.generations[client] = joined.generation;
                        }
                        Err(Refused { error: GroupError::MemberIdRequired, member_id }) => {
                            self.ids[client] = member_id;
                        }
                        Err(_) => self.ids[client] = Str::default(),
                    }
                }
                Said::Synced(reply, _) => assert!(self.waiting.remove(&reply), "answered twice"),
                Said::Persisted { .. } => {}
            }
        }
    }
}

fn take(scene: &mut Scene, world: &mut World, step: Step) {
    let said = match step {
        Step::Join { client, instance, needs_id, protocols } => {
            let names = [&["range"][..], &["range", "sticky"], &["sticky", "range"]][protocols];
            world.asked.push(client);
            let id = scene.replies + 1;
            world.waiting.insert(id);
            scene.join(Join {
                member_id: world.ids[client].clone(),
                instance: instance.then(|| Str::from(format!("instance {client}"))),
                needs_member_id: needs_id,
                protocols: names.iter().copied().map(protocol).collect(),
                ..new_member(&format!("{client}-{id}"))
            })
        }
        Step::Sync { client } => {
            world.asked.push(client);
            world.waiting.insert(scene.replies + 1);
            scene.sync(&world.ids[client].clone(), world.generations[client], &[])
        }
        Step::Heartbeat { client } => {
            scene.heartbeat(&world.ids[client].clone(), world.generations[client]).ok();
            Vec::new()
        }
        Step::Leave { client } => scene.leave(&world.ids[client].clone()).1,
        Step::Persisted { ok } => {
            scene.first_persisted(if ok { Ok(()) } else { Err(GroupError::NotAvailable) })
        }
        Step::Pass { ms } => scene.pass(ms),
    };
    world.hear(said);
}

fn check(scene: &Scene, world: &World) {
    let group = &scene.group;
    let parked = group.members.values().flat_map(|m| [m.awaiting_join, m.awaiting_sync]);
    let places = group.members.values().filter_map(|m| m.awaiting_place.as_ref());
    let parked = parked.flatten().chain(places.clone().map(|place| place.reply));
    let parked: Vec<u64> = parked.map(|ReplyId(id)| id).collect();
    let distinct: BTreeSet<u64> = parked.iter().copied().collect();
    assert_eq!(parked.len(), distinct.len());
    assert_eq!(distinct, world.waiting, "a reply is lost");
    for (id, member) in &group.members {
        assert_eq!(id, &member.id);
        let current = member.instance.as_ref().map(|i| group.statics.get(i));
        assert!(current.is_none_or(|current| current == Some(id)));
        assert!(!group.pending.contains_key(id));
    }
    assert!(group.statics.values().all(|id| group.members.contains_key(id)));
    let joins = group.members.values().any(|m| m.awaiting_join.is_some());
    assert!(places.count() == 0 || matches!(group.phase, Phase::Stable { .. }));
    let syncs = group.members.values().any(|m| m.awaiting_sync.is_some());
    match group.phase {
        Phase::Empty { .. } => assert!(group.members.is_empty() && group.leader.is_none()),
        Phase::Preparing { .. } => assert!(!syncs && group.next_deadline().is_some()),
        Phase::Completing { .. } | Phase::Stable { .. } => {
            let leader = group.leader.as_ref().expect("a leader");
            assert!(group.members.contains_key(leader) && !joins);
            let protocol = group.protocol.as_ref().expect("a protocol");
            assert!(
                group.members.values().all(|m| m.protocols.iter().any(|p| p.name == *protocol))
            );
            assert!(!syncs || matches!(group.phase, Phase::Completing { .. }));
        }
        Phase::Dead { .. } => panic!("nobody deleted it"),
    }
}

proptest! {
    #[test]
    fn no_history_breaks_a_group(steps in vec(step(), 1..80)) {
        let mut scene = Scene::new();
        let mut world = World::default();
        for step in steps {
            take(&mut scene, &mut world, step);
            check(&scene, &world);
        }
        // Left alone, everybody is answered and the group becomes empty. What etcd keeps is told.
        for _ in 0..100 {
            take(&mut scene, &mut world, Step::Pass { ms: 60_000 });
            let said = scene.persisted(Ok(()));
            world.hear(said);
        }
        check(&scene, &world);
        prop_assert!(world.waiting.is_empty());
        prop_assert!(scene.group.is_vacant());
    }
}
