//! What this broker has acted on, beside what the image shows now: pure.
//!
//! An etcd that was restored from a backup shows older states. A log remembers the last state that
//! its broker acted on; a state below that one is proof of a restore. Proof asks for the restore
//! count to be raised, after which every partition is led only on what its logs say.

use barnabas_protocol::state::ids::{BrokerId, PartitionIndex, TopicId};

use crate::log::{ActedOn, RestoreCount};
use crate::metadata::{Image, PartitionImage, RestoredImage, TopicImage};

/// What is to be noted before the broker acts on a state.
pub(crate) fn acted_on(topic: &TopicImage, state: &PartitionImage) -> ActedOn {
    ActedOn {
        topic: topic.name.to_string(),
        partitions: topic.partition_count,
        restored: state.restored,
        partition_epoch: state.partition_epoch,
        leader_epoch: state.leader_epoch,
        replicas: state.replicas.clone(),
    }
}

/// Proof by the restore count: this broker knows it from another history.
pub(crate) fn proof_by_count(noted: RestoreCount, shown: RestoredImage) -> Option<String> {
    let RestoreCount { count, revision } = noted;
    if shown.count < count {
        return Some(format!("the restore count is {}, and was {count} before", shown.count));
    }
    let other = shown.count == count && shown.revision.0 != revision && count > 0;
    other.then(|| format!("the restore count {count} was written at another revision before"))
}

/// Proof by one log of a topic that is there.
pub(crate) fn proof_by_log(
    acted_on: &ActedOn,
    topic: &TopicImage,
    index: PartitionIndex,
    restored: RestoredImage,
) -> Option<String> {
    let name = format_args!("{}-{index}", topic.name);
    if acted_on.restored > restored.count {
        return Some(format!("{name} has been led under the restore count {}", acted_on.restored));
    }
    let Some(state) = topic.partition(index) else {
        // Counting that once is enough: who adopts the log writes the state under the new count.
        let lost = topic.has_partition(index) && acted_on.restored == restored.count;
        return lost.then(|| format!("the state of {name} is missing"));
    };
    if state.restored < restored.count {
        return None; // It is counted.
    }
    let (epoch, leader_epoch) = (state.partition_epoch, state.leader_epoch);
    if leader_epoch < acted_on.leader_epoch {
        let before = acted_on.leader_epoch;
        return Some(format!(
            "{name} is at leader epoch {leader_epoch}, and was at {before} before"
        ));
    }
    (epoch < acted_on.partition_epoch).then(|| {
        let before = acted_on.partition_epoch;
        format!("the state of {name} is of revision {epoch}, and was of {before} before")
    })
}

/// Where a log that no open partition has stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its topic was deleted, and the tombstone says so: it is to be deleted.
    Deleted,
    /// The partition is this broker's: it is about to be opened.
    Placed,
    /// The cluster does not know it. It is kept until somebody decides.
    Stray,
}

/// Judges a log on this broker.
pub(crate) fn standing(
    image: &Image,
    broker: BrokerId,
    (topic_id, index): (TopicId, PartitionIndex),
) -> Standing {
    match image.topic_by_id(topic_id) {
        Some(topic) => match topic.partition(index) {
            Some(state) if state.replicas.contains(&broker) => Standing::Placed,
            _ => Standing::Stray,
        },
        None if image.deleted.contains_key(&topic_id) => Standing::Deleted,
        None => Standing::Stray,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use barnabas_protocol::state::ids::{LeaderEpoch, PartitionEpoch};

    use super::*;
    use crate::metadata::{DeletedTopicImage, Revision};

    fn image(count: i64) -> Image {
        let mut image = Image::default().with_broker(1, 11).with_topic("t", 2, &[1]);
        image.restored = RestoredImage { count, revision: Revision(count * 7) };
        image
    }

    /// What the broker acts on when it sees `image`.
    fn seen(image: &Image) -> ActedOn {
        let topic = &image.topics["t"];
        acted_on(topic, topic.partition(PartitionIndex(0)).unwrap())
    }

    fn proof(acted_on: &ActedOn, image: &Image) -> bool {
        proof_by_log(acted_on, &image.topics["t"], PartitionIndex(0), image.restored).is_some()
    }

    #[test]
    fn a_lower_epoch_is_proof_and_the_same_or_a_higher_one_is_not() {
        let shown = image(0);
        let same = seen(&shown);
        assert!(!proof(&same, &shown));
        let (epoch, leader_epoch) = (same.partition_epoch.0, same.leader_epoch.0);
        let partition_epoch = PartitionEpoch(epoch + 1);
        assert!(proof(&ActedOn { partition_epoch, ..same.clone() }, &shown));
        let leader_epoch = LeaderEpoch(leader_epoch + 1);
        assert!(proof(&ActedOn { leader_epoch, ..same.clone() }, &shown));
        assert!(!proof(&ActedOn { partition_epoch: PartitionEpoch(epoch - 1), ..same }, &shown));
    }

    #[test]
    fn a_restore_is_not_proven_again_once_it_is_counted() {
        let acted_on = ActedOn { leader_epoch: LeaderEpoch(9), ..seen(&image(0)) };
        assert!(proof(&acted_on, &image(0)));
        // The state is still of the old count: the controller will replace it.
        assert!(!proof(&acted_on, &image(1)));
        // Replaced, but not far enough.
        let mut shown = image(1);
        shown.change_topic("t", |topic| {
            let state = topic.partitions.get_mut(&PartitionIndex(0)).unwrap();
            Arc::make_mut(state).restored = 1;
        });
        assert!(proof(&acted_on, &shown));
    }

    #[test]
    fn a_missing_state_is_proof_once() {
        let acted_on = seen(&image(0));
        let lose = |mut image: Image| {
            image.change_topic("t", |topic| {
                topic.partitions.remove_mut(&PartitionIndex(0));
            });
            image
        };
        assert!(proof(&acted_on, &lose(image(0))));
        assert!(!proof(&acted_on, &lose(image(1))));
    }

    #[test]
    fn a_count_of_another_history_is_proof() {
        let noted = |count, revision| RestoreCount { count, revision };
        let shown = |count, revision| RestoredImage { count, revision: Revision(revision) };
        for (noted, shown, expected) in [
            (noted(0, 0), shown(0, 0), false),
            (noted(0, 0), shown(3, 9), false),
            (noted(1, 70), shown(1, 70), false),
            (noted(1, 70), shown(2, 90), false),
            (noted(1, 70), shown(0, 0), true),
            (noted(1, 70), shown(1, 71), true),
        ] {
            assert_eq!(proof_by_count(noted, shown).is_some(), expected, "{noted:?} {shown:?}");
        }
    }

    #[test]
    fn only_a_tombstone_says_that_a_log_is_to_be_deleted() {
        let mut image = image(0);
        let (t, gone) = (image.topics["t"].id, TopicId(uuid::Uuid::from_u128(77)));
        let standing_of =
            |image: &Image, id, index| standing(image, BrokerId(1), (id, PartitionIndex(index)));
        assert_eq!(standing_of(&image, t, 0), Standing::Placed);
        assert_eq!(standing_of(&image, t, 2), Standing::Stray);
        assert_eq!(standing(&image, BrokerId(2), (t, PartitionIndex(0))), Standing::Stray);
        assert_eq!(standing_of(&image, gone, 0), Standing::Stray);
        let tombstone = || DeletedTopicImage {
            name: "gone".into(),
            brokers: vec![BrokerId(1)],
            revision: Revision(80),
        };
        for id in [gone, t] {
            image.deleted.insert_mut(id, Arc::new(tombstone()));
        }
        assert_eq!(standing_of(&image, gone, 0), Standing::Deleted);
        // A topic that is there is not deleted, whatever else is there.
        assert_eq!(standing_of(&image, t, 0), Standing::Placed);
    }
}
