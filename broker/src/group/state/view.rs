//! Descriptions of a group, and its deletion.

use std::collections::BTreeSet;

use barnabas_protocol::kafka::{Reader, Str};
use bytes::Bytes;

use super::{Command, Context, DescribedMember, Description, Group, Phase, Refused};
use crate::group::error::GroupError;

/// Kafka's name of the state of a group that does not exist.
pub(crate) const DEAD: &str = "Dead";

/// The protocol type whose subscriptions name topics.
const CONSUMER: &str = "consumer";

impl Group {
    /// Kafka's name of the state.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.phase {
            Phase::Empty { .. } => "Empty",
            Phase::Preparing { .. } => "PreparingRebalance",
            Phase::Completing { .. } => "CompletingRebalance",
            Phase::Stable { .. } => "Stable",
            Phase::Dead { .. } => DEAD,
        }
    }

    /// `consumer`, `connect`, ..., or empty for a group that only has offsets.
    pub(crate) fn protocol_type(&self) -> Str {
        self.protocol_type.clone().unwrap_or_default()
    }

    /// For DescribeGroups. Subscriptions are shown in a stable group only, assignments in every
    /// state.
    pub(crate) fn describe(&self) -> Description {
        let stable = matches!(self.phase, Phase::Stable { .. });
        let told = |metadata: Bytes| if stable { metadata } else { Bytes::new() };
        let member = |m: &super::Member| DescribedMember {
            member_id: m.id.clone(),
            instance: m.instance.clone(),
            client_id: m.client_id.clone(),
            client_host: m.client_host.clone(),
            metadata: told(m.metadata(self.protocol.as_ref())),
            assignment: m.assignment.clone(),
        };
        let protocol = self.protocol.clone().filter(|_| stable);
        Description {
            state: self.state_name(),
            protocol_type: self.protocol_type(),
            protocol: protocol.unwrap_or_default(),
            members: self.members.values().map(member).collect(),
        }
    }

    /// No members and no pending ids.
    pub(crate) fn is_vacant(&self) -> bool {
        matches!(self.phase, Phase::Empty { .. }) && self.pending.is_empty()
    }

    /// When the group became empty, in milliseconds since 1970. `None` if it is not empty or never
    /// had members.
    pub(crate) fn empty_since_ms(&self) -> Option<i64> {
        match self.phase {
            Phase::Empty { since_ms } => since_ms,
            Phase::Preparing { .. }
            | Phase::Completing { .. }
            | Phase::Stable { .. }
            | Phase::Dead { .. } => None,
        }
    }

    /// The topics that members subscribe to. `None` if they cannot be known, as in another protocol
    /// type.
    pub(crate) fn subscribed_topics(&self) -> Option<BTreeSet<Str>> {
        if self.protocol_type.as_deref() != Some(CONSUMER) {
            return None;
        }
        let protocol = self.protocol.as_ref();
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            let said = match protocol {
                Some(_) => member.metadata(protocol),
                None => member.protocols.first()?.metadata.clone(),
            };
            topics.extend(subscription(said)?);
        }
        Some(topics)
    }

    /// The topics whose offsets must not expire. `None` if no offset of the group may: the
    /// subscriptions of a group that rebalances, or of another protocol type, are not known.
    pub(crate) fn kept_from_expiry(&self) -> Option<BTreeSet<Str>> {
        match self.phase {
            Phase::Empty { .. } => Some(BTreeSet::new()),
            Phase::Stable { .. } => self.subscribed_topics(),
            Phase::Preparing { .. } | Phase::Completing { .. } | Phase::Dead { .. } => None,
        }
    }

    /// The topics whose offsets may not be deleted: the subscribed ones of a group of consumers,
    /// none of an empty group.
    ///
    /// # Errors
    /// The reason why no offsets may be deleted.
    pub(crate) fn check_offset_delete(&self) -> Result<BTreeSet<Str>, GroupError> {
        match self.phase {
            Phase::Dead { .. } => Err(GroupError::NotFound),
            Phase::Empty { .. } => Ok(BTreeSet::new()),
            Phase::Preparing { .. } | Phase::Completing { .. } | Phase::Stable { .. } => {
                self.subscribed_topics().ok_or(GroupError::NonEmpty)
            }
        }
    }

    /// Begins the deletion of an empty group.
    ///
    /// # Errors
    /// `NonEmpty`, or `NotFound` if it is being deleted already.
    pub(crate) fn begin_delete(&mut self) -> Result<(), GroupError> {
        match self.phase {
            Phase::Empty { since_ms } => {
                self.pending.clear();
                self.phase = Phase::Dead { since_ms };
                Ok(())
            }
            Phase::Dead { .. } => Err(GroupError::NotFound),
            Phase::Preparing { .. } | Phase::Completing { .. } | Phase::Stable { .. } => {
                Err(GroupError::NonEmpty)
            }
        }
    }

    /// The deletion failed: the group is empty as before.
    pub(crate) fn undo_delete(&mut self) {
        if let Phase::Dead { since_ms } = self.phase {
            self.phase = Phase::Empty { since_ms };
        }
    }

    /// This broker does not coordinate the group any more: all parked requests are answered with an
    /// error.
    pub(crate) fn resign(&mut self, cx: &mut Context<'_>, error: GroupError) {
        self.fail_syncs(cx, error);
        for member in self.members.values_mut() {
            if let Some(reply) = member.take_join() {
                let refused = Refused { error, member_id: member.id.clone() };
                cx.out.push(Command::Joined(reply, Err(refused)));
            }
        }
    }
}

/// The topics of a ConsumerProtocolSubscription. `None` if it cannot be parsed.
fn subscription(bytes: Bytes) -> Option<Vec<Str>> {
    let mut reader = Reader::new(bytes);
    let _version = reader.i16().ok()?;
    let count = reader.i32().ok()?;
    (0..count).map(|_| reader.string(false).ok().flatten()).collect()
}
