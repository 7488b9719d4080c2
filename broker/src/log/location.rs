//! Where and when a data directory was written last, so that the next start knows whether it is the
//! same directory, and whether what was written but not synced is still there.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where Linux says which boot of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The file systems that have a folder for each mounted device below `/sys/fs`.
const FILE_SYSTEMS: [&str; 3] = ["ext4", "xfs", "f2fs"];

/// A boot of the machine, a file system, and a file in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// Made anew by each boot.
    boot: String,
    /// The device of the file system.
    device: u64,
    /// The lock file's number in the file system: a copied file has another one.
    inode: u64,
    /// Made anew by each mount of the file system; 0 where the kernel does not tell.
    mount: u64,
}

impl Location {
    /// That of an open file, at this moment.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let device = metadata.dev();
        Ok(Self {
            boot: fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned(),
            device,
            inode: metadata.ino(),
            mount: mount(device).unwrap_or(0),
        })
    }

    /// Reads what was noted; `None` where nothing was, or nothing that makes sense.
    pub(super) fn read(path: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(path).ok()?)
    }

    pub(super) fn print(&self) -> String {
        let Self { boot, device, inode, mount } = self;
        format!(
            "# Where this directory was written last.\nboot={boot}\ndevice={device}\ninode={inode}\nmount={mount}\n"
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let field =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        Some(Self {
            boot: field("boot")?.to_owned(),
            device: field("device")?.parse().ok()?,
            inode: field("inode")?.parse().ok()?,
            mount: field("mount")?.parse().ok()?,
        })
    }

    /// Whether a directory that was here before, and is there now, is a copy. Device numbers of
    /// disks hold for one boot; other file systems (network, overlay) get another one with every
    /// mount.
    pub(super) fn is_copied_to(&self, now: &Self) -> bool {
        let disks = libc::major(self.device) != 0 && libc::major(now.device) != 0;
        self.inode != now.inode || (disks && self.boot == now.boot && self.device != now.device)
    }

    /// Whether what was written here before is there now even if it was never synced: the machine
    /// was up all the time, and the file system was mounted.
    pub(super) fn keeps_unsynced(&self, now: &Self) -> bool {
        !self.boot.is_empty() && self == now
    }
}

/// What tells one mount of a file system from the next one. Mount ids do not: the kernel reuses
/// them, and every container has its own.
fn mount(device: u64) -> Option<u64> {
    let number = format!("{}:{}", libc::major(device), libc::minor(device));
    let name = fs::canonicalize(format!("/sys/dev/block/{number}")).ok()?;
    let name = name.file_name()?;
    let folders = FILE_SYSTEMS.iter().map(|kind| Path::new("/sys/fs").join(kind).join(name));
    folders.into_iter().find_map(|folder| Some(fs::metadata(folder).ok()?.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Location {
        Location { boot: "b1".to_owned(), device: libc::makedev(8, 1), inode: 7, mount: 9 }
    }

    #[test]
    fn it_is_read_back_as_noted() {
        assert_eq!(Location::parse(&disk().print()), Some(disk()));
        for text in ["", "an earlier one", "boot=b\ndevice=1\ninode=x\nmount=0"] {
            assert_eq!(Location::parse(text), None, "{text}");
        }
        let file = tempfile::tempfile().expect("a file");
        let here = Location::of(&file).expect("known");
        assert!(here.keeps_unsynced(&Location::of(&file).expect("known")));
        assert!(!here.is_copied_to(&here));
    }

    #[test]
    fn what_is_not_synced_is_lost_with_a_boot_and_with_a_mount() {
        assert!(disk().keeps_unsynced(&disk()));
        let boot = Location { boot: "b2".to_owned(), ..disk() };
        assert!(!disk().keeps_unsynced(&boot));
        assert!(!disk().keeps_unsynced(&Location { mount: 10, ..disk() }));
        let unknown = Location { boot: String::new(), ..disk() };
        assert!(!unknown.keeps_unsynced(&unknown), "not to know the boot is not to be sure");
    }

    #[test]
    fn a_copy_is_another_file_or_on_another_disk() {
        let elsewhere = Location { device: libc::makedev(8, 2), ..disk() };
        assert!(disk().is_copied_to(&Location { inode: 8, ..disk() }));
        assert!(disk().is_copied_to(&elsewhere));
        // After a boot, or at another machine, the same disk may have another number.
        assert!(!disk().is_copied_to(&Location { boot: "b2".to_owned(), ..elsewhere }));
        let overlay = |minor| Location { device: libc::makedev(0, minor), ..disk() };
        assert!(!overlay(40).is_copied_to(&overlay(41)));
    }
}
