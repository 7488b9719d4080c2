//! `meta.properties`: which cluster, broker and data directory this is, as in Apache Kafka's file
//! of that name.
//!
//! It keeps a broker from serving another one's data, or a cluster from taking in another cluster's
//! broker.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use barnabas_protocol::state::ids::BrokerId;
use uuid::Uuid;

use crate::log::replace_file;

const FILE: &str = "meta.properties";
const VERSION: &str = "1";

/// Whose data directory this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// `cluster.id`, as in `/cluster/id`.
    pub(crate) cluster_id: String,
    /// `broker.id`.
    pub(crate) broker_id: BrokerId,
    /// `directory.id`: made once, when the directory is first used.
    pub(crate) directory_id: Uuid,
}

/// Why a data directory must not be used.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// It belongs to another cluster.
    #[error(
        "{path} belongs to cluster {found}, not to {expected}: use another data directory, or remove this one"
    )]
    OtherCluster {
        /// The file.
        path: PathBuf,
        /// The cluster in it.
        found: String,
        /// The cluster that the broker is part of.
        expected: String,
    },
    /// It belongs to another broker.
    #[error(
        "{path} belongs to broker {found}, not to broker {expected}: check broker.id and log.dirs"
    )]
    OtherBroker {
        /// The file.
        path: PathBuf,
        /// The broker in it.
        found: BrokerId,
        /// The broker that reads it.
        expected: BrokerId,
    },
    /// It cannot be understood.
    #[error("{path}: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl Meta {
    /// Reads the file of a data directory; `None` where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read, or is not such a file of version 1.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, MetaError> {
        let path = dir.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                Self::parse(&text).map(Some).map_err(|what| MetaError::Malformed { path, what })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(MetaError::Io { path, source }),
        }
    }

    /// Writes the file, whole and synced, or not at all.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), MetaError> {
        let path = dir.join(FILE);
        replace_file(&path, self.print().as_bytes())
            .map_err(|source| MetaError::Io { path, source })
    }

    /// Checks that this directory is that broker's in that cluster.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) fn check(
        &self,
        dir: &Path,
        cluster: &str,
        broker: BrokerId,
    ) -> Result<(), MetaError> {
        let path = dir.join(FILE);
        if self.cluster_id != cluster {
            let (found, expected) = (self.cluster_id.clone(), cluster.to_owned());
            return Err(MetaError::OtherCluster { path, found, expected });
        }
        if self.broker_id != broker {
            return Err(MetaError::OtherBroker { path, found: self.broker_id, expected: broker });
        }
        Ok(())
    }

    fn print(&self) -> String {
        let Self { cluster_id, broker_id, directory_id } = self;
        format!(
            "version={VERSION}\ncluster.id={cluster_id}\nbroker.id={broker_id}\ndirectory.id={directory_id}\n"
        )
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        let fields: HashMap<&str, &str> = lines.filter_map(|line| line.split_once('=')).collect();
        let field = |name| fields.get(name).copied().ok_or_else(|| format!("no {name}"));
        match field("version")? {
            VERSION => {}
            other => return Err(format!("version {other}; this broker reads version {VERSION}")),
        }
        Ok(Self {
            cluster_id: field("cluster.id")?.to_owned(),
            broker_id: field("broker.id")?
                .parse()
                .map(BrokerId)
                .map_err(|e| format!("broker.id: {e}"))?,
            directory_id: field("directory.id")?
                .parse()
                .map_err(|e| format!("directory.id: {e}"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Meta {
        let directory_id = Uuid::from_u128(7);
        Meta { cluster_id: "c-1".into(), broker_id: BrokerId(3), directory_id }
    }

    #[test]
    fn survives_and_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Meta::read(dir.path()).unwrap().is_none());
        meta().write(dir.path()).unwrap();
        assert_eq!(Meta::read(dir.path()).unwrap(), Some(meta()));
        meta().check(dir.path(), "c-1", BrokerId(3)).unwrap();
        let error = meta().check(dir.path(), "c-2", BrokerId(3)).unwrap_err();
        assert!(error.to_string().contains("belongs to cluster c-1, not to c-2"), "{error}");
        let error = meta().check(dir.path(), "c-1", BrokerId(4)).unwrap_err();
        assert!(error.to_string().contains("belongs to broker 3, not to broker 4"), "{error}");
    }

    #[test]
    fn rejects() {
        let rejected = |text| Meta::parse(text).unwrap_err();
        assert_eq!(rejected(""), "no version");
        assert_eq!(rejected("version=2"), "version 2; this broker reads version 1");
        assert_eq!(rejected("version=1\n#x=y\ncluster.id=c"), "no broker.id");
        assert!(rejected("version=1\ncluster.id=c\nbroker.id=x").starts_with("broker.id: "));
    }
}
