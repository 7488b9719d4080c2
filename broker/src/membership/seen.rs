//! What this broker has seen of the cluster, kept in its data directory: if etcd ever shows less,
//! an old backup was restored, and serving on would undo acknowledged changes. What is in the file
//! may lag behind by [`PAUSE`], not by a broker's whole life: a broker that was killed remembers
//! too.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::metadata::{Image, Revision};

/// The file is written once in this time at most, each time with two fsyncs.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);

const FILE: &str = "seen.properties";
const REVISION: &str = "etcd.revision";

/// The file's content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The highest etcd revision that was acted on.
    pub(crate) revision: Revision,
}

/// The file of a running broker. Its methods block.
#[derive(Debug)]
pub(crate) struct SeenFile {
    dir: PathBuf,
    /// What is in the file. Held while the file is written: two writers would mix it up.
    kept: Mutex<Seen>,
}

impl SeenFile {
    /// Reads the file. Returns what it said.
    pub(crate) fn open(dir: &Path) -> io::Result<(Self, Seen)> {
        let found = Seen::read(dir)?;
        Ok((Self { dir: dir.to_owned(), kept: Mutex::new(found) }, found))
    }

    /// Notes a revision that was acted on. A lower one than before says nothing.
    pub(crate) fn note(&self, revision: Revision) -> io::Result<()> {
        let mut kept = self.kept.lock();
        if revision <= kept.revision {
            return Ok(());
        }
        let seen = Seen { revision };
        seen.write(&self.dir)?;
        *kept = seen;
        Ok(())
    }

    /// Notes the revisions of `images` until `stop`, with a `pause` between two writes.
    pub(crate) async fn follow(
        self: Arc<Self>,
        mut images: watch::Receiver<Arc<Image>>,
        pause: Duration,
        stop: CancellationToken,
    ) {
        let following = async {
            loop {
                let revision = images.borrow_and_update().revision;
                let file = Arc::clone(&self);
                let noted = tokio::task::spawn_blocking(move || file.note(revision)).await;
                if let Ok(Err(error)) = noted {
                    tracing::error!(%error, "cannot note the revision of etcd that was seen; trying again");
                }
                tokio::time::sleep(pause).await;
                if images.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = following => {}
        }
    }
}

impl Seen {
    /// Reads the file; a directory without one has seen nothing.
    fn read(dir: &Path) -> io::Result<Self> {
        match fs::read_to_string(dir.join(FILE)) {
            Ok(text) => Self::parse(&text).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} is malformed"))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file as a whole, durably.
    fn write(&self, dir: &Path) -> io::Result<()> {
        let (path, next) = (dir.join(FILE), dir.join(format!("{FILE}.next")));
        let mut file = fs::File::create(&next)?;
        file.write_all(self.print().as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, &path)?;
        fs::File::open(dir)?.sync_all()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut seen = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (key, value) = line.split_once('=')?;
            let value = value.parse().ok()?;
            match key {
                REVISION => seen.revision = Revision(value),
                _ => return None,
            }
        }
        Some(seen)
    }

    fn print(&self) -> String {
        format!(
            "# The newest state of etcd that this broker has acted on.\n{REVISION}={}\n",
            self.revision.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let dir = tempfile::tempdir().expect("directory");
        assert_eq!(Seen::read(dir.path()).expect("readable"), Seen::default());
        let seen = Seen { revision: Revision(17) };
        seen.write(dir.path()).expect("writable");
        assert_eq!(Seen::read(dir.path()).expect("readable"), seen);
    }

    #[test]
    fn the_file_does_not_go_back() {
        let dir = tempfile::tempdir().expect("directory");
        let earlier = Seen { revision: Revision(17) };
        earlier.write(dir.path()).expect("writable");
        let (file, found) = SeenFile::open(dir.path()).expect("readable");
        let kept = || Seen::read(dir.path()).expect("readable").revision;
        assert_eq!(found, earlier);
        file.note(Revision(12)).expect("writable");
        assert_eq!(kept(), Revision(17));
        file.note(Revision(20)).expect("writable");
        assert_eq!(kept(), Revision(20));
    }

    #[tokio::test]
    async fn a_broker_that_is_killed_remembers_what_it_saw() {
        let dir = tempfile::tempdir().expect("directory");
        let (file, _) = SeenFile::open(dir.path()).expect("readable");
        let at = |revision| Arc::new(Image { revision: Revision(revision), ..Image::default() });
        let (publish, images) = watch::channel(at(4));
        let stop = CancellationToken::new();
        let pause = Duration::from_millis(1);
        let following = tokio::spawn(Arc::new(file).follow(images, pause, stop.clone()));
        for revision in [4, 5, 9] {
            publish.send_replace(at(revision));
            while Seen::read(dir.path()).expect("readable").revision < Revision(revision) {
                tokio::time::sleep(pause).await;
            }
        }
        stop.cancel();
        following.await.expect("ends");
        assert!(!dir.path().join(format!("{FILE}.next")).exists());
    }

    #[test]
    fn a_malformed_file_is_not_taken_for_an_empty_one() {
        for text in ["etcd.revision", "etcd.revision=x", "other=1"] {
            assert_eq!(Seen::parse(text), None, "{text}");
        }
    }
}
