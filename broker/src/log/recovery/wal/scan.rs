//! The records of one WAL file: which are good, and whether good ones follow bad ones.
//!
//! Format: blocks of 32 KiB. A record, or a fragment of one, lies within a block: CRC u32 (masked
//! CRC-32C of all that comes after the length), length u16, type u8, then for types of recycled
//! files the low half of the file's number, then the payload. Little-endian. A recycled file goes
//! on with records of its earlier number.

pub(super) const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
const NUMBERED_HEADER: usize = 11;

/// A good record.
pub(super) struct Record<'a> {
    /// Bytes, with the header.
    pub(super) len: usize,
    pub(super) fragment: Fragment,
    pub(super) payload: &'a [u8],
}

/// Which part of a write batch a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fragment {
    Full,
    First,
    Middle,
    Last,
    /// None: something about the file.
    Other,
}

/// Goes through one file, block by block.
pub(super) struct Scan {
    /// The low half of the file's number.
    number: u32,
    position: u64,
    /// Where the records have ended.
    end: Option<u64>,
}

impl Scan {
    pub(super) const fn new(number: u32) -> Self {
        Self { number, position: 0, end: None }
    }

    /// Takes the next block and shows its good records, with their places, up to the first bad one.
    /// Returns where records end and go on again, if they do.
    pub(super) fn block(
        &mut self,
        block: &[u8],
        mut show: impl FnMut(u64, &Record<'_>),
    ) -> Option<(u64, u64)> {
        let start = self.position;
        self.position += block.len() as u64;
        let mut at = 0;
        if self.end.is_none() {
            while let Some(record) = record(&block[at..], self.number) {
                show(start + at as u64, &record);
                at += record.len;
            }
            // What is too short for a header is padding.
            if block.len() - at < NUMBERED_HEADER && self.position.is_multiple_of(BLOCK as u64) {
                return None;
            }
        }
        let end = *self.end.get_or_insert(start + at as u64);
        // A block begins with a record; only within the one that is damaged is it unknown where one
        // begins.
        let places = if start <= end { at..block.len() } else { 0..1 };
        let mut places = places.filter(|place| record(&block[*place..], self.number).is_some());
        places.next().map(|place| (end, start + place as u64))
    }
}

/// The record at the start of `bytes`, if there is a whole one of the file with this number.
fn record(bytes: &[u8], number: u32) -> Option<Record<'_>> {
    let (header, _) = bytes.split_first_chunk::<HEADER>()?;
    let [c0, c1, c2, c3, l0, l1, kind] = *header;
    let crc = u32::from_le_bytes([c0, c1, c2, c3]);
    let (numbered, fragment) = match kind {
        1 | 5 => (kind == 5, Fragment::Full),
        2 | 6 => (kind == 6, Fragment::First),
        3 | 7 => (kind == 7, Fragment::Middle),
        4 | 8 => (kind == 8, Fragment::Last),
        // Compression, sizes of timestamps, what the file before was like.
        9 | 10 | 11 | 130 | 131 => (matches!(kind, 11 | 131), Fragment::Other),
        _ => return None,
    };
    let header_len = if numbered { NUMBERED_HEADER } else { HEADER };
    let len = header_len + usize::from(u16::from_le_bytes([l0, l1]));
    let record = bytes.get(..len)?;
    if numbered && record[HEADER..NUMBERED_HEADER] != number.to_le_bytes() {
        return None;
    }
    let payload = &record[header_len..];
    let good = crc == masked(crc32c::crc32c(&record[HEADER - 1..]));
    good.then_some(Record { len, fragment, payload })
}

/// RocksDB's change to checksums that are stored.
const fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A file of full records.
#[cfg(test)]
pub(in crate::log) fn encode(number: u32, payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for payload in payloads {
        let left = BLOCK - bytes.len() % BLOCK;
        if left < NUMBERED_HEADER {
            bytes.resize(bytes.len() + left, 0);
        }
        let mut covered = vec![5];
        covered.extend_from_slice(&number.to_le_bytes());
        covered.extend_from_slice(payload);
        bytes.extend_from_slice(&masked(crc32c::crc32c(&covered)).to_le_bytes());
        bytes.extend_from_slice(&(payload.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&covered);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: u32 = 42;

    /// A file of records with payloads of these sizes, which must fill blocks as RocksDB does.
    fn file(number: u32, sizes: &[usize]) -> Vec<u8> {
        let payloads: Vec<Vec<u8>> =
            sizes.iter().map(|size| (0..*size).map(|i| i as u8).collect()).collect();
        encode(number, &payloads)
    }

    fn scan(bytes: &[u8]) -> Option<(u64, u64)> {
        let mut scan = Scan::new(NUMBER);
        bytes.chunks(BLOCK).find_map(|block| scan.block(block, |_, _| {}))
    }

    #[test]
    fn whole_files_and_torn_tails_are_no_damage() {
        let bytes = file(NUMBER, &[100, 20_000, 12_630, 32_757, 5, 0, 30]);
        for cut in [0, 1, 50, 111, 112, 20_122, BLOCK, BLOCK + 9, bytes.len() - 1, bytes.len()] {
            assert_eq!(scan(&bytes[..cut]), None, "cut at {cut}");
            let mut preallocated = bytes[..cut].to_vec();
            preallocated.resize(3 * BLOCK, 0);
            assert_eq!(scan(&preallocated), None, "zeros after {cut}");
        }
    }

    #[test]
    fn records_of_a_file_s_earlier_number_are_no_damage() {
        let mut recycled = file(NUMBER - 7, &[900; 99]);
        let new = file(NUMBER, &[333; 9]);
        recycled[..new.len()].copy_from_slice(&new);
        assert_eq!(scan(&recycled), None);
        assert_eq!(scan(&file(NUMBER - 7, &[900; 99])), None);
    }

    #[test]
    fn any_flipped_bit_that_hides_later_records_is_found() {
        let bytes = file(NUMBER, &[100, 32_641, 3000, 29_746, 700]);
        let padding = BLOCK - 5..BLOCK;
        let last = bytes.len() - 711;
        for at in (0..130).chain((130..last).step_by(97)).filter(|at| !padding.contains(at)) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 16;
            let found = scan(&damaged);
            assert!(found.is_some_and(|(from, _)| from <= at as u64), "{at}: {found:?}");
        }
    }

    #[test]
    fn a_lost_block_is_found() {
        let mut bytes = file(NUMBER, &[32_757; 5]);
        bytes[BLOCK..2 * BLOCK].fill(0);
        assert_eq!(scan(&bytes), Some((BLOCK as u64, 2 * BLOCK as u64)));
    }

    #[test]
    fn a_damaged_last_record_looks_like_a_torn_one() {
        let mut bytes = file(NUMBER, &[100, 200]);
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(scan(&bytes), None);
    }
}
