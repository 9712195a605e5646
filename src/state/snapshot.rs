//! The whole state as bytes, and back: item by item, without a second copy of everything in memory.
//!
//! Form: `MULUSTA1`; the chain's id (1 byte length, text), its digest (`0` SM3, `1` SHA-256), size (8), time in ms (8),
//! fates (32); then sections, each a kind (1 byte length, text) and its records, up to a section without a name. A
//! record is its length (4) and the JSON text `[key,value]`; length 0 ends the section. An entry's record has a third
//! member: the bits of every number with a fraction, because JSON does not bring those back exactly. The section `ids`
//! is binary: count (8), then id (16), leaf (32), index (8). Numbers are big endian. Indexes are not written; records
//! stand in the order in which their index has them.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::clock::Millis;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::ids::{EntryName, TxId};

use super::catalog::{EntryHistory, PublishedEntry};
use super::items::Items;
use super::machine::State;

const MAGIC: &[u8; 8] = b"MULUSTA1";
/// The longest record: an item comes from a few transactions of at most 64 KiB each.
const RECORD_BYTES_MAX: u32 = 16 * 1024 * 1024;
const EARLIER: &str = "entry-earlier";
const IDS: &str = "ids";

/// Why bytes are not a state.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// They cannot be read, or are damaged.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// They are no state's.
    #[error("it is not a state: {0}")]
    Malformed(String),
}

fn malformed(why: impl Into<String>) -> SnapshotError {
    SnapshotError::Malformed(why.into())
}

impl State {
    /// Writes everything, so that [`State::read`] gives a state that goes on in the same way.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        // Nothing is left out unseen: whoever adds a field is stopped here.
        #[rustfmt::skip]
        let Self {
            chain, algorithm, outcomes, size, time, ids, genesis, departments, nodes, numbers, keys, keys_of,
            endorsements, policy, proposal, policies, entries, catalog_index: _, grants, grants_of, repeated: _, workflows, cases, certificates, certificate_types, edition, members_changed,
        } = self;
        out.write_all(MAGIC)?;
        write_text(out, chain)?;
        out.write_all(&[u8::from(*algorithm == HashAlgorithm::Sha256)])?;
        out.write_all(&size.to_be_bytes())?;
        out.write_all(&time.0.to_be_bytes())?;
        out.write_all(&outcomes.0)?;
        section(out, genesis.kind(), genesis.iter())?;
        section(out, departments.kind(), departments.iter())?;
        section(out, nodes.kind(), nodes.iter())?;
        section(out, numbers.kind(), numbers.iter())?;
        section(out, edition.kind(), edition.iter())?;
        section(out, members_changed.kind(), members_changed.iter())?;
        let in_order = keys_of.values().flat_map(|ids| ids.iter());
        section(out, keys.kind(), in_order.filter_map(|id| Some((id, keys.get(id)?))))?;
        section(out, endorsements.kind(), endorsements.iter())?;
        section(out, policy.kind(), policy.iter())?;
        section(out, proposal.kind(), proposal.iter())?;
        section(out, policies.kind(), policies.iter())?;
        let earlier = entries.iter().flat_map(|(name, history)| history.earlier.iter().map(move |one| (name, one)));
        exact_section(out, EARLIER, earlier)?;
        exact_section(out, entries.kind(), entries.iter())?;
        // Those of several departments once, with the one that asked.
        let places = grants_of.iter().flat_map(|((consumer, _), ids)| ids.iter().map(move |(_, id)| (consumer, id)));
        let in_order =
            places.filter_map(|(consumer, id)| Some((id, grants.get(id).filter(|grant| &grant.consumer == consumer)?)));
        section(out, grants.kind(), in_order)?;
        section(out, workflows.kind(), workflows.iter())?;
        section(out, cases.kind(), cases.iter())?;
        section(out, certificates.kind(), certificates.iter())?;
        section(out, certificate_types.kind(), certificate_types.iter())?;
        write_text(out, IDS)?;
        out.write_all(&u64::try_from(ids.iter().count()).unwrap_or(u64::MAX).to_be_bytes())?;
        for (id, leaf, index) in ids.iter() {
            out.write_all(id.as_bytes())?;
            out.write_all(&leaf.0)?;
            out.write_all(&index.to_be_bytes())?;
        }
        write_text(out, "")
    }

    /// Reads what [`State::write`] wrote. Every sum is computed anew from the items, so that [`State::digest`] tells
    /// whether this is the state that it should be.
    ///
    /// # Errors
    /// [`SnapshotError`]: also for items of a kind that this program does not know.
    pub fn read(input: &mut impl Read) -> Result<Self, SnapshotError> {
        if bytes::<8>(input)? != *MAGIC {
            return Err(malformed("it does not begin with MULUSTA1"));
        }
        let chain = read_text(input)?;
        let algorithm = match bytes::<1>(input)? {
            [0] => HashAlgorithm::Sm3,
            [1] => HashAlgorithm::Sha256,
            _ => return Err(malformed("its digest is unknown")),
        };
        let mut state = Self::of(algorithm);
        state.chain = chain;
        state.size = u64::from_be_bytes(bytes(input)?);
        state.time = Millis(u64::from_be_bytes(bytes(input)?));
        state.outcomes = Hash(bytes(input)?);
        let mut earlier = BTreeMap::new();
        loop {
            let kind = read_text(input)?;
            if kind.is_empty() {
                break;
            }
            state.read_section(input, &kind, &mut earlier)?;
        }
        if state.genesis().is_none_or(|genesis| genesis.hash != algorithm) || !earlier.is_empty() {
            return Err(malformed("its parts do not fit together"));
        }
        Ok(state)
    }

    fn read_section(&mut self, input: &mut impl Read, kind: &str, earlier: &mut Earlier) -> Result<(), SnapshotError> {
        match kind {
            "genesis" => items(input, &mut self.genesis),
            "department" => items(input, &mut self.departments),
            "node" => items(input, &mut self.nodes),
            "number" => items(input, &mut self.numbers),
            "edition" => items(input, &mut self.edition),
            "members_changed" => items(input, &mut self.members_changed),
            "endorsement" => items(input, &mut self.endorsements),
            "policy" => items(input, &mut self.policy),
            "policy_proposal" => items(input, &mut self.proposal),
            "policy_version" => items(input, &mut self.policies),
            "workflow" => items(input, &mut self.workflows),
            "case" => items(input, &mut self.cases),
            "certificate" => items(input, &mut self.certificates),
            "certificate_type" => items(input, &mut self.certificate_types),
            "key" => records(input, |text| {
                let (id, record) = parse::<(_, crate::domain::keys::KeyRecord)>(text)?;
                if record.key.id() != id || self.keys.contains_key(&id) {
                    return Err(malformed("a key is not where it belongs"));
                }
                self.add_key(record);
                Ok(())
            }),
            "grant" => records(input, |text| {
                let (id, grant) = parse::<(_, crate::domain::grant::Grant)>(text)?;
                if grant.id != id || self.grants.contains_key(&id) {
                    return Err(malformed("a grant is not where it belongs"));
                }
                self.add_grant(grant);
                Ok(())
            }),
            EARLIER => records(input, |text| {
                let (name, published): (EntryName, PublishedEntry) = parse_exact(text)?;
                earlier.entry(name).or_default().push(published);
                Ok(())
            }),
            "entry" => records(input, |text| {
                let (name, history): (EntryName, EntryHistory) = parse_exact(text)?;
                let before = earlier.remove(&name).unwrap_or_default();
                let history = history.with_earlier(before, self.algorithm);
                let history = history.ok_or_else(|| malformed(format!("the versions of {name} do not fit")))?;
                self.catalog_index.follow(None, &history.current().entry);
                self.entries.insert(name, history);
                Ok(())
            }),
            IDS => {
                for _ in 0..u64::from_be_bytes(bytes(input)?) {
                    let id = TxId::from_bytes(bytes(input)?).ok_or_else(|| malformed("an id is none"))?;
                    self.ids.put_back(id, Hash(bytes(input)?), u64::from_be_bytes(bytes(input)?));
                }
                Ok(())
            }
            other => Err(malformed(format!("it has items of the unknown kind {other:?}"))),
        }
    }
}

type Earlier = BTreeMap<EntryName, Vec<PublishedEntry>>;

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    let length = u8::try_from(text.len()).map_err(io::Error::other)?;
    out.write_all(&[length])?;
    out.write_all(text.as_bytes())
}

fn section<K: Serialize, V: Serialize>(
    out: &mut impl Write,
    kind: &str,
    records: impl Iterator<Item = (K, V)>,
) -> io::Result<()> {
    texts(out, kind, records.map(|record| serde_json::to_vec(&record)))
}

/// As [`section`], of values that may hold numbers with fractions.
fn exact_section<'a, V: Serialize + 'a>(
    out: &mut impl Write,
    kind: &str,
    records: impl Iterator<Item = (&'a EntryName, &'a V)>,
) -> io::Result<()> {
    let text = |(name, value)| {
        let mut value = serde_json::to_value(value)?;
        let mut bits = Vec::new();
        each_fraction(&mut value, &mut |number| {
            bits.extend(number.as_f64().map(f64::to_bits));
            Ok(())
        })
        .map_err(serde::ser::Error::custom)?;
        serde_json::to_vec(&(name, value, bits))
    };
    texts(out, kind, records.map(text))
}

/// Writes a section of texts, or nothing where there is none: so older programs read what does without newer kinds.
fn texts(out: &mut impl Write, kind: &str, texts: impl Iterator<Item = serde_json::Result<Vec<u8>>>) -> io::Result<()> {
    let mut texts = texts.peekable();
    if texts.peek().is_none() {
        return Ok(());
    }
    write_text(out, kind)?;
    for text in texts {
        let text = text.map_err(io::Error::other)?;
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        if length > RECORD_BYTES_MAX {
            return Err(io::Error::other("an item is too long for a snapshot"));
        }
        out.write_all(&length.to_be_bytes())?;
        out.write_all(&text)?;
    }
    out.write_all(&[0; 4])
}

/// Calls back for every number with a fraction, in the order of the text.
fn each_fraction(
    value: &mut Value,
    found: &mut impl FnMut(&mut Number) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    match value {
        Value::Number(number) if number.is_f64() => found(number),
        Value::Array(values) => values.iter_mut().try_for_each(|value| each_fraction(value, found)),
        Value::Object(members) => members.values_mut().try_for_each(|value| each_fraction(value, found)),
        _ => Ok(()),
    }
}

fn bytes<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_text(input: &mut impl Read) -> Result<String, SnapshotError> {
    let [length] = bytes::<1>(input)?;
    let mut text = vec![0; usize::from(length)];
    input.read_exact(&mut text)?;
    String::from_utf8(text).map_err(|_| malformed("a name is no text"))
}

fn records(
    input: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let mut text = Vec::new();
    loop {
        let length = u32::from_be_bytes(bytes(input)?);
        if length == 0 {
            return Ok(());
        }
        if length > RECORD_BYTES_MAX {
            return Err(malformed("a record has an impossible length"));
        }
        text.clear();
        // Grows with what is there, not with what is announced.
        input.by_ref().take(u64::from(length)).read_to_end(&mut text)?;
        if u32::try_from(text.len()) != Ok(length) {
            return Err(malformed("a record ends early"));
        }
        each(&text)?;
    }
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, SnapshotError> {
    serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))
}

fn parse_exact<V: DeserializeOwned>(text: &[u8]) -> Result<(EntryName, V), SnapshotError> {
    let (name, mut value, bits) = parse::<(EntryName, Value, Vec<u64>)>(text)?;
    let mut bits = bits.into_iter();
    each_fraction(&mut value, &mut |number| {
        let exact = bits.next().and_then(|bits| Number::from_f64(f64::from_bits(bits)));
        *number = exact.ok_or_else(|| malformed("a number is lost"))?;
        Ok(())
    })?;
    Ok((name, serde_json::from_value(value).map_err(|error| malformed(error.to_string()))?))
}

fn items<K, V>(input: &mut impl Read, items: &mut Items<K, V>) -> Result<(), SnapshotError>
where
    K: Ord + Clone + Serialize + DeserializeOwned,
    V: Clone + Serialize + DeserializeOwned,
{
    records(input, |text| {
        let (key, value) = parse(text)?;
        items.insert(key, value);
        Ok(())
    })
}
