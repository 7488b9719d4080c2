//! Maps and sets by topic and partition.

use std::collections::BTreeMap;
use std::fmt;

use barnabas_protocol::kafka::Str;

/// Something for each of some partitions, sorted by topic and partition.
#[derive(Clone, PartialEq, Eq)]
pub struct ByPartition<T>(BTreeMap<Str, BTreeMap<i32, T>>);

/// Some partitions.
pub type PartitionSet = ByPartition<()>;

impl<T> Default for ByPartition<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> ByPartition<T> {
    /// Sets what a partition has; returns what it had.
    pub fn insert(&mut self, topic: Str, index: i32, value: T) -> Option<T> {
        self.0.entry(topic).or_default().insert(index, value)
    }

    /// What a partition has.
    pub fn get(&self, topic: &str, index: i32) -> Option<&T> {
        self.0.get(topic)?.get(&index)
    }

    /// What a partition has, to change it.
    pub fn get_mut(&mut self, topic: &str, index: i32) -> Option<&mut T> {
        self.0.get_mut(topic)?.get_mut(&index)
    }

    /// Whether the partition is there.
    pub fn contains(&self, topic: &str, index: i32) -> bool {
        self.get(topic, index).is_some()
    }

    /// Takes a partition out.
    pub fn remove(&mut self, topic: &str, index: i32) -> Option<T> {
        let partitions = self.0.get_mut(topic)?;
        let removed = partitions.remove(&index);
        if partitions.is_empty() {
            self.0.remove(topic);
        }
        removed
    }

    /// How many partitions there are.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All partitions, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Str, i32, &T)> {
        self.0.iter().flat_map(|(topic, all)| all.iter().map(move |(i, value)| (topic, *i, value)))
    }

    /// The topics, each with its partitions.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = (&Str, &BTreeMap<i32, T>)> {
        self.0.iter()
    }

    /// The partitions alone.
    pub fn set(&self) -> PartitionSet {
        self.iter().map(|(topic, index, _)| (topic.clone(), index)).collect()
    }

    /// Those for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&Str, i32, &mut T) -> bool) {
        self.0.retain(|topic, partitions| {
            partitions.retain(|index, value| keep(topic, *index, value));
            !partitions.is_empty()
        });
    }
}

impl PartitionSet {
    /// Those that `other` does not have.
    #[must_use]
    pub fn without<T>(&self, other: &ByPartition<T>) -> Self {
        let mut rest = self.clone();
        rest.retain(|topic, index, ()| !other.contains(topic, index));
        rest
    }
}

impl FromIterator<(Str, i32)> for PartitionSet {
    fn from_iter<I: IntoIterator<Item = (Str, i32)>>(partitions: I) -> Self {
        partitions.into_iter().map(|(topic, index)| (topic, index, ())).collect()
    }
}

impl<T> FromIterator<(Str, i32, T)> for ByPartition<T> {
    fn from_iter<I: IntoIterator<Item = (Str, i32, T)>>(partitions: I) -> Self {
        let mut all = Self::default();
        all.extend(partitions);
        all
    }
}

impl<T> Extend<(Str, i32, T)> for ByPartition<T> {
    fn extend<I: IntoIterator<Item = (Str, i32, T)>>(&mut self, partitions: I) {
        for (topic, index, value) in partitions {
            self.insert(topic, index, value);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for ByPartition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter()).finish()
    }
}
