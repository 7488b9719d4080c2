//! Record batches as they travel: bytes in one or more pieces.

use bytes::Bytes;

/// The records of one partition in a produce request or a fetch response, as whole record batches.
///
/// The bytes may come in pieces (from a produce request: one slice of the frame; from the log:
/// several), which are written one after the other and never copied together. Two values are equal
/// if their bytes are.
#[derive(Clone)]
pub struct Records(Segments);

#[derive(Clone)]
enum Segments {
    One([Bytes; 1]),
    Many(Vec<Bytes>),
}

impl Records {
    /// The pieces, in order.
    pub fn segments(&self) -> &[Bytes] {
        match &self.0 {
            Segments::One(one) => one,
            Segments::Many(many) => many,
        }
    }

    /// The length in bytes of all pieces.
    pub fn len(&self) -> usize {
        self.segments().iter().map(Bytes::len).sum()
    }

    /// Whether there is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.segments().iter().all(Bytes::is_empty)
    }

    /// All bytes in one piece. Copies unless there is one piece only, as after decoding.
    pub fn to_bytes(&self) -> Bytes {
        match self.segments() {
            [one] => one.clone(),
            many => many.concat().into(),
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Bytes::new().into()
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self(Segments::One([bytes]))
    }
}

impl From<Vec<Bytes>> for Records {
    fn from(segments: Vec<Bytes>) -> Self {
        Self(Segments::Many(segments))
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        let bytes =
            |records: &'_ Self| records.segments().iter().flatten().copied().collect::<Vec<u8>>();
        match (self.segments(), other.segments()) {
            ([one], [two]) => one == two,
            _ => self.len() == other.len() && bytes(self) == bytes(other),
        }
    }
}

impl Eq for Records {}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Records({} bytes in {} segments)", self.len(), self.segments().len())
    }
}
