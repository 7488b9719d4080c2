//! Whether what etcd shows continues what this broker has acted on.
//!
//! An etcd that was restored from an old backup, or started empty at the old address, does not have
//! all that was acknowledged. Who takes it at its word deletes the data of topics that it never
//! heard of.

use barnabas_coordinator_client::Revision;
use barnabas_protocol::kafka::Str;

use crate::metadata::Image;

/// etcd shows another history than this broker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenLineage {
    /// It shows an older state.
    #[error(
        "etcd is at revision {found}, this broker has seen {seen} already: was an old backup restored, or etcd started \
         without its data? This broker has deleted nothing. Give etcd its data back, or restore the backup with \
         --bump-revision 1000000000 --mark-compacted (docs/restore.md), then start this broker again"
    )]
    WentBack {
        /// The highest revision seen before.
        seen: Revision,
        /// The revision now.
        found: Revision,
    },
    /// It shows another cluster.
    #[error(
        "the data directory belongs to the cluster {known}, but etcd holds {found}; check etcd.endpoints and etcd.prefix"
    )]
    OtherCluster {
        /// The cluster's id in the data directory.
        known: String,
        /// What etcd says instead.
        found: String,
    },
}

/// The history that this broker is part of, as far as it has seen it.
#[derive(Clone, Debug)]
pub struct Lineage {
    cluster_id: Str,
    seen: Revision,
}

impl Lineage {
    /// That of a cluster, seen up to a revision.
    #[must_use]
    pub const fn new(cluster_id: Str, seen: Revision) -> Self {
        Self { cluster_id, seen }
    }

    /// Checks a state of etcd, read after what was seen.
    ///
    /// # Errors
    /// Where it is not a later state of the same history.
    pub fn check(&self, found: Revision, cluster_id: Option<&str>) -> Result<(), BrokenLineage> {
        if found < self.seen {
            return Err(BrokenLineage::WentBack { seen: self.seen, found });
        }
        if cluster_id == Some(&*self.cluster_id) {
            return Ok(());
        }
        let found = cluster_id.unwrap_or("no cluster").to_owned();
        Err(BrokenLineage::OtherCluster { known: self.cluster_id.to_string(), found })
    }

    /// Checks an image, and has seen it then.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn follow(&mut self, image: &Image) -> Result<(), BrokenLineage> {
        self.check(image.revision, image.cluster_id.as_deref())?;
        self.seen = image.revision;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(revision: i64, cluster_id: Option<&str>) -> Image {
        let cluster_id = cluster_id.map(Str::from);
        Image { revision: Revision(revision), cluster_id, ..Image::default() }
    }

    #[test]
    fn later_states_of_the_same_cluster_are_followed() {
        let mut lineage = Lineage::new(Str::from("c"), Revision(7));
        for revision in [7, 8, 8, 20] {
            assert_eq!(lineage.follow(&image(revision, Some("c"))), Ok(()));
        }
        let went_back = BrokenLineage::WentBack { seen: Revision(20), found: Revision(19) };
        assert_eq!(lineage.follow(&image(19, Some("c"))), Err(went_back));
        assert_eq!(lineage.follow(&image(20, Some("c"))), Ok(()));
    }

    #[test]
    fn another_cluster_or_none_is_refused_however_new() {
        let mut lineage = Lineage::new(Str::from("c"), Revision(7));
        for (other, found) in [(Some("d"), "d"), (None, "no cluster")] {
            let refused =
                BrokenLineage::OtherCluster { known: "c".to_owned(), found: found.to_owned() };
            assert_eq!(lineage.follow(&image(99, other)), Err(refused));
        }
        assert_eq!(lineage.follow(&image(7, Some("c"))), Ok(()));
    }
}
