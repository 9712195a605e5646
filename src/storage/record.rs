//! A record of the ledger's files: one entry, with its checksum.
//!
//! Form: data length (4), CRC-32 of all that follows (4), index (8), term (8), kind (1), flags (1),
//! data; numbers big endian. The checksum covers the length too.

/// The longest data of a record, in bytes: a block with room to spare.
pub const DATA_BYTES_MAX: usize = 128 * 1024;
/// Bytes of a record before its data.
pub(super) const HEADER_BYTES: usize = 26;

/// All that stood in the log before this record was already durable when it was written. A crash
/// can therefore only have torn what follows the last such mark.
pub(super) const AFTER_SYNC: u8 = 1;

/// Why nothing whole stands where the bytes end before the record does: what a crash leaves.
pub(super) const ENDS_EARLY: &str = "a record ends early";

/// An entry to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Index in the log, from 1.
    pub index: u64,
    /// Term of the leader who proposed it.
    pub term: u64,
    /// What the data is, as consensus numbers it.
    pub kind: u8,
    /// The entry's bytes.
    pub data: &'a [u8],
}

/// An entry read from disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Index in the log, from 1.
    pub index: u64,
    /// Term of the leader who proposed it.
    pub term: u64,
    /// What the data is, as consensus numbers it.
    pub kind: u8,
    /// The entry's bytes.
    pub data: Vec<u8>,
}

impl Record {
    /// The same, to be written.
    pub fn as_ref(&self) -> RecordRef<'_> {
        RecordRef { index: self.index, term: self.term, kind: self.kind, data: &self.data }
    }
}

/// What stands at a place of a segment.
pub(super) enum Found<'a> {
    Record {
        record: RecordRef<'a>,
        flags: u8,
        bytes: usize,
    },
    /// Nothing whole; the reason is for people.
    Bad(&'static str),
}

fn checksum(length: [u8; 4], rest: &[u8], data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(rest);
    hasher.update(data);
    hasher.finalize()
}

/// Appends a record's bytes to a buffer.
pub(super) fn write(record: RecordRef<'_>, flags: u8, buffer: &mut Vec<u8>) {
    let length = u32::try_from(record.data.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut rest = [0u8; HEADER_BYTES - 8];
    rest[..8].copy_from_slice(&record.index.to_be_bytes());
    rest[8..16].copy_from_slice(&record.term.to_be_bytes());
    rest[16] = record.kind;
    rest[17] = flags;
    buffer.extend_from_slice(&length);
    buffer.extend_from_slice(&checksum(length, &rest, record.data).to_be_bytes());
    buffer.extend_from_slice(&rest);
    buffer.extend_from_slice(record.data);
}

/// Reads the record at the beginning of some bytes.
pub(super) fn read(bytes: &[u8]) -> Found<'_> {
    let Some((header, tail)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Found::Bad(ENDS_EARLY);
    };
    let [l0, l1, l2, l3, c0, c1, c2, c3, rest @ ..] = header;
    let length_bytes = [*l0, *l1, *l2, *l3];
    let length = usize::try_from(u32::from_be_bytes(length_bytes)).unwrap_or(usize::MAX);
    if length > DATA_BYTES_MAX {
        return Found::Bad("a record has an impossible length");
    }
    let Some(data) = tail.get(..length) else {
        return Found::Bad(ENDS_EARLY);
    };
    if checksum(length_bytes, rest, data) != u32::from_be_bytes([*c0, *c1, *c2, *c3]) {
        return Found::Bad("a record does not fit its checksum");
    }
    let number = |from: usize| rest.get(from..from + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes);
    let record = RecordRef { index: number(0), term: number(8), kind: rest[16], data };
    Found::Record { record, flags: rest[17], bytes: HEADER_BYTES + length }
}

/// Entries one after another, each under its checksum, to be sent.
pub fn encode_records(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    records.iter().for_each(|record| write(record.as_ref(), AFTER_SYNC, &mut bytes));
    bytes
}

/// Entries as they were sent.
///
/// # Errors
/// What is wrong with the first that is not whole.
pub fn decode_records(mut bytes: &[u8]) -> Result<Vec<Record>, &'static str> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        match read(bytes) {
            Found::Record { record: RecordRef { index, term, kind, data }, bytes: length, .. } => {
                records.push(Record { index, term, kind, data: data.to_vec() });
                bytes = bytes.get(length..).unwrap_or_default();
            }
            Found::Bad(why) => return Err(why),
        }
    }
    Ok(records)
}

/// Whether bytes that end before their record does are whole but for its length: then somebody changed the length. A
/// crash leaves a beginning, which fits its checksum at no length.
pub(super) fn is_whole_but_for_its_length(bytes: &[u8]) -> bool {
    let Some((header, data)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return false };
    let [_, _, _, _, c0, c1, c2, c3, rest @ ..] = header;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
    checksum(length, rest, data) == u32::from_be_bytes([*c0, *c1, *c2, *c3])
}

/// Whether a whole record lies in `tail`, behind a damaged place where `index` was due.
pub(super) fn goes_on_in(tail: &[u8], index: u64) -> bool {
    is_record_in(tail, index, 0)
}

/// Whether a whole record in `tail`, behind a damaged place where `index` was due, says that what came before it was
/// durable. Then the damage is not what a crash leaves: a crash tears only what was never synced.
pub(super) fn is_marked_durable_in(tail: &[u8], index: u64) -> bool {
    is_record_in(tail, index, AFTER_SYNC)
}

/// Where in `tail`, behind a damaged place where `index` was due, the next whole record lies, and its index.
pub(super) fn next_whole_in(tail: &[u8], index: u64) -> Option<(usize, u64)> {
    let whole = whole_in(tail, index).next();
    whole.map(|(offset, record, _)| (offset, record.index))
}

fn is_record_in(tail: &[u8], index: u64, mark: u8) -> bool {
    whole_in(tail, index).any(|(_, _, flags)| flags & mark == mark)
}

fn whole_in(tail: &[u8], index: u64) -> impl Iterator<Item = (usize, RecordRef<'_>, u8)> {
    let most = u64::try_from(tail.len() / HEADER_BYTES).unwrap_or(u64::MAX);
    let indexes = index + 1..=index.saturating_add(most);
    (1..tail.len()).filter_map(move |start| {
        let rest = tail.get(start..)?;
        // The index is looked at first: a checksum at every byte would take minutes.
        let plausible = u64::from_be_bytes(rest.get(8..16)?.try_into().ok()?);
        match indexes.contains(&plausible).then(|| read(rest))? {
            Found::Record { record, flags, .. } => Some((start, record, flags)),
            Found::Bad(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed() {
        let record = RecordRef { index: 7, term: 3, kind: 2, data: b"what the city decided" };
        let mut bytes = Vec::new();
        write(record, AFTER_SYNC, &mut bytes);
        assert!(
            matches!(read(&bytes), Found::Record { record: r, flags: AFTER_SYNC, bytes: n } if r == record && n == bytes.len())
        );
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(read(&flipped), Found::Bad(_)), "bit {bit} can be flipped");
        }
        for end in 0..bytes.len() {
            assert!(matches!(read(&bytes[..end]), Found::Bad(_)));
        }
    }
}
