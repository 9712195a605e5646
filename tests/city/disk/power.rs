//! The power fails at any moment: what was acknowledged before is there, and every image of the disks opens.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mulu::crypto::digest::sm3;
use mulu::ledger::block::Block;
use mulu::ledger::checkpoint::SignedCheckpoint;
use mulu::readmodel::local::{Begin, Local};
use mulu::storage::ledger_log::LedgerLog;
use mulu::storage::node_store::NodeStore;
use protobuf::Message as _;
use raft::eraftpb::HardState;

use super::image::{Disk, Loss};
use super::journal::{self, Change, Entry};
use super::load::{Ack, Kept, Kind, Load, PROVIDER};
use super::shim::Shim;
use crate::harness::{City, until};
use crate::storms::chance::{Chance, amount};

/// A node whose changes are written down.
struct Recorded {
    department: String,
    /// Its folder; `data` lies in it.
    folder: PathBuf,
    journal: PathBuf,
    /// Its disk before it was started.
    disk: Disk,
}

impl Recorded {
    fn start(city: &City, department: &str, place: &Path) -> Self {
        let folder = city.dir().join(department);
        let journal = place.join(format!("{department}.journal"));
        let disk = Disk::with(&folder.join("data"));
        city.start_with(department, &Shim::over(&folder).recording(&journal).environment());
        Self { department: department.to_owned(), folder, journal, disk }
    }

    fn entries(&self) -> Vec<Entry> {
        let data = self.folder.join("data");
        // The log of the program lies beside its data, and is nobody's promise.
        let concerns = |entry: &Entry| match &entry.change {
            Change::Create { path, .. } => path.starts_with(&data),
            _ => true,
        };
        journal::read(&self.journal).into_iter().filter(concerns).collect()
    }
}

/// How long each journal was.
type Moment = Vec<u64>;

/// A moment at which the power fails everywhere: whatever one node did before because of what another had done, that is
/// done too. Lengths of journals do not tell it, for the nodes write at different rates.
#[derive(Clone, Debug)]
struct Cut {
    time: u64,
    loss: Loss,
    chance: Chance,
}

/// When everything that stands before a moment was done.
fn done_by(journals: &[Vec<Entry>], moment: &Moment) -> u64 {
    let last = |(entries, end): (&Vec<Entry>, &u64)| {
        let before = entries.partition_point(|entry| entry.end <= *end);
        entries[..before].last().map_or(0, |entry| entry.time)
    };
    journals.iter().zip(moment).map(last).max().unwrap_or(0)
}

/// Cuts between acknowledgements that follow each other, in the order of time.
fn choose(acks: &[u64], journals: &[Vec<Entry>], count: u64, chance: &mut Chance) -> Vec<Cut> {
    let mut times: Vec<u64> = journals.iter().flatten().map(|entry| entry.time).collect();
    times.sort_unstable();
    let mut bounds: Vec<usize> = acks.iter().map(|ack| times.partition_point(|time| time <= ack)).collect();
    bounds.extend([0, times.len()]);
    bounds.sort_unstable();
    let mut places: Vec<(usize, u64)> =
        (0..count).map(|_| (chance.below(bounds.len() as u64 - 1) as usize, chance.below(1001))).collect();
    places.sort_unstable();
    let between = |(k, part): (usize, u64)| {
        let (from, to) = (bounds[k], bounds[k + 1]);
        let done = from + (to - from) * part as usize / 1000;
        let time = times[..done].last().copied().unwrap_or(0);
        Cut { time, loss: Loss::any(chance), chance: chance.fork() }
    };
    places.into_iter().map(between).collect()
}

/// What one image holds.
struct Found {
    /// The ledger's payloads in their order.
    payloads: Vec<String>,
    cosigned: u64,
    outbox: Vec<String>,
    keys: Local,
}

/// Opens an image as a node does.
fn open(data: &Path) -> Result<Found, String> {
    let text = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let log = LedgerLog::open(&data.join("ledger")).map_err(|e| text("ledger", &e))?;
    let store = NodeStore::open(&data.join("store")).map_err(|e| text("store", &e))?;
    let keys = Local::open(&data.join("model")).map_err(|e| text("local.db", &e))?;
    let mut payloads = Vec::new();
    for index in 1..=log.last_index() {
        let record = log.entry(index).map_err(|e| text("entry", &e))?;
        if let (0, Ok(block)) = (record.kind, Block::decode(&record.data)) {
            payloads.extend(block.transactions.iter().map(|tx| tx.payload().to_owned()));
        }
    }
    let read = |key: &[u8]| store.get(key).map_err(|e| text("store", &e));
    let hard = read(b"consensus/hard")?.map(|bytes| HardState::parse_from_bytes(&bytes).unwrap()).unwrap_or_default();
    if hard.commit > log.last_index() {
        return Err(format!("{} entries were committed, {} are there", hard.commit, log.last_index()));
    }
    let own = read(b"consensus/cosigned")?.map(|bytes| String::from_utf8(bytes).unwrap());
    let cosigned = own.map_or(0, |note| SignedCheckpoint::parse(&note).unwrap().checkpoint().size);
    let outbox = store.scan_prefix(b"exchange/", usize::MAX).map_err(|e| text("store", &e))?;
    let outbox = outbox.into_iter().map(|(_, value)| String::from_utf8_lossy(&value).into_owned()).collect();
    Ok(Found { payloads, cosigned, outbox, keys })
}

/// What is missing of what was acknowledged, if anything. A ledger's transaction must be with a majority of voters.
fn missing(found: &BTreeMap<String, Found>, voters: usize, ack: &Kept) -> Option<String> {
    let with = |holds: &dyn Fn(&Found) -> bool| found.values().filter(|node| holds(node)).count();
    match ack {
        Kept::Transaction { at, id, index, key } => {
            let index = usize::try_from(*index).unwrap();
            let holders = with(&|node| node.payloads.get(index).is_some_and(|payload| payload.contains(id.as_str())));
            if holders <= voters / 2 {
                return Some(format!("transaction {id} at {index} is with {holders} of {voters} voters"));
            }
            let begun = found[at].keys.begin("business-system", key, sm3(&[b"another"]), crate::harness::now());
            (!matches!(begun, Ok(Begin::Mismatch))).then(|| format!("the key {key} of {id} is forgotten: {begun:?}"))
        }
        Kept::Access { at, id } => {
            let waits = found.get(at).is_none_or(|node| node.outbox.iter().any(|value| value.contains(id.as_str())));
            let stands = with(&|node| node.payloads.iter().any(|payload| payload.contains(id.as_str())));
            (!waits && stands <= voters / 2).then(|| format!("the access {id} is on no record"))
        }
        Kept::Cosigned { at, size } => {
            let known = found[at].cosigned;
            (known < *size).then(|| format!("{at} cosigned {size} transactions and remembers {known}"))
        }
    }
}

/// Records nodes under load, then cuts their power at many places.
struct Story {
    city: City,
    place: tempfile::TempDir,
    nodes: Vec<Recorded>,
    voters: usize,
    acks: Vec<Ack<Moment>>,
}

impl Story {
    fn record(city: City, recorded: &[&str], voters: usize, enough: impl Fn(&Load<'_>) -> bool) -> Self {
        let place = in_memory();
        let nodes: Vec<Recorded> = recorded.iter().map(|name| Recorded::start(&city, name, place.path())).collect();
        recorded.iter().for_each(|name| city.wait_ready(name));
        let moment = || nodes.iter().map(|node| journal::position(&node.journal)).collect::<Moment>();
        let acks = Load::on(&city).work(&recorded[..1], moment, |load| {
            until("enough is acknowledged", Duration::from_secs(120), || enough(load).then_some(()));
        });
        recorded.iter().for_each(|name| city.kill(name));
        Self { city, place, nodes, voters, acks }
    }

    /// Cuts the power at `count` places. Of each image, the in-process parts are opened; a few are started as nodes.
    fn cut(&self, count: u64, starts: u64, chance: &mut Chance) {
        let wrong = self.cut_on(count, starts, chance, true);
        let shown = wrong.iter().take(10).map(String::as_str).collect::<Vec<_>>().join("\n");
        assert!(wrong.is_empty(), "{} of {count} cuts lose something:\n{shown}", wrong.len());
        // Drives that say that they have synced, and have not: what this story looks for is there to be seen.
        assert!(!self.cut_on(40, 0, chance, false).is_empty(), "nothing is lost by drives that lie");
    }

    fn cut_on(&self, count: u64, starts: u64, chance: &mut Chance, is_honest: bool) -> Vec<String> {
        let journals: Vec<Vec<Entry>> = self.nodes.iter().map(Recorded::entries).collect();
        let acks: Vec<(u64, &Kept)> =
            self.acks.iter().map(|ack| (done_by(&journals, &ack.moment), &ack.kept)).collect();
        let times: Vec<u64> = acks.iter().map(|(time, _)| *time).collect();
        let cuts = choose(&times, &journals, count, chance);
        let mut disks: Vec<Disk> = self.nodes.iter().map(|node| node.disk.clone()).collect();
        let (mut next, mut wrong) = (vec![0; journals.len()], Vec::new());
        for (number, cut) in cuts.iter().enumerate() {
            let mut images = BTreeMap::new();
            let mut chance = cut.chance.clone();
            for (n, node) in self.nodes.iter().enumerate() {
                while let Some(entry) = journals[n].get(next[n]).filter(|entry| entry.time <= cut.time) {
                    next[n] += 1;
                    if is_honest || !matches!(entry.change, Change::Sync { .. }) {
                        disks[n].change(&entry.change);
                    }
                }
                let image = self.place.path().join(format!("{number}-{}", node.department));
                disks[n].cut(&node.folder.join("data"), cut.loss, &mut chance, &image);
                images.insert(node.department.clone(), image);
            }
            let is_started = starts > 0 && (number as u64).is_multiple_of(count.div_ceil(starts));
            let known: Vec<&Kept> = acks.iter().filter(|(time, _)| *time <= cut.time).map(|(_, kept)| *kept).collect();
            wrong.extend(self.look(&known, &images, is_started).map(|why| format!("cut {number}, {cut:?}: {why}")));
            images.values().for_each(|image| drop(std::fs::remove_dir_all(image)));
        }
        wrong
    }

    /// What is wrong with the images, given what was acknowledged before.
    fn look(&self, acks: &[&Kept], images: &BTreeMap<String, PathBuf>, is_started: bool) -> Option<String> {
        if is_started {
            self.start(images, acks);
        }
        let opened = catch_unwind(AssertUnwindSafe(|| {
            images
                .iter()
                .map(|(name, image)| Ok((name.clone(), open(image)?)))
                .collect::<Result<BTreeMap<_, _>, String>>()
        }));
        let found = match opened {
            Ok(Ok(found)) => found,
            Ok(Err(why)) => return Some(why),
            Err(_) => return Some("opening panics".into()),
        };
        acks.iter().find_map(|ack| missing(&found, self.voters, ack))
    }

    /// Starts real nodes from images, which stay as they are.
    fn start(&self, images: &BTreeMap<String, PathBuf>, acks: &[&Kept]) {
        for node in &self.nodes {
            let data = node.folder.join("data");
            let _ = std::fs::remove_dir_all(&data);
            copy(&images[&node.department], &data);
            self.city.start(&node.department);
        }
        self.nodes.iter().for_each(|node| self.city.wait_ready(&node.department));
        let system = self.city.system(&self.nodes[0].department);
        for ack in acks.iter().rev().take(30) {
            if let Kept::Transaction { id, index, .. } = ack {
                let found = system.get(&format!("ledger/transactions/{id}?min_index={index}")).ok();
                assert_eq!(found["ledger_index"], *index, "{id}");
            }
        }
        self.nodes.iter().for_each(|node| self.city.kill(&node.department));
    }
}

/// A folder in memory, where there is one: thousands of images are opened, and each opening syncs.
pub fn in_memory() -> tempfile::TempDir {
    let made = tempfile::Builder::new().prefix("mulu-power-").tempdir_in("/dev/shm");
    made.or_else(|_| tempfile::tempdir()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

#[test]
fn a_single_voter_that_loses_power_has_all_that_it_acknowledged() {
    let (nodes, mut chance) = (["data-bureau"], Chance::of("power of one"));
    let city = City::at_rest_with(PROVIDER, 1);
    let enough = |load: &Load<'_>| load.count(Kind::Transaction) >= 100 && load.count(Kind::Cosigned) >= 10;
    let story = Story::record(city, &nodes, 1, enough);
    story.cut(amount("MULU_POWER_CUTS", 250), 3, &mut chance);

    // The very first start of a node, of which nothing is there but the accounts made for it.
    let Story { city, nodes: recorded, .. } = story;
    let data = city.node("data-bureau").data_dir.clone();
    std::fs::remove_dir_all(&data).unwrap();
    recorded[0].disk.cut(&data, Loss { sectors: 100, names: 100 }, &mut chance, &data);
    for made in ["ledger", "store"] {
        std::fs::remove_dir_all(data.join(made)).unwrap();
    }
    std::fs::remove_file(data.join("model/projection.db")).unwrap();
    // Nothing is in the catalog of a new chain: what the node gives its word for is what it cosigns.
    let enough = |load: &Load<'_>| load.count(Kind::Cosigned) >= 3;
    Story::record(city, &nodes, 1, enough).cut(amount("MULU_POWER_CUTS", 250) / 4, 6, &mut chance);
}

#[test]
fn three_voters_that_lose_power_together_have_it_too() {
    let mut chance = Chance::of("power of three");
    let city = City::at_rest(PROVIDER);
    let nodes = ["data-bureau", "audit", PROVIDER];
    let enough = |load: &Load<'_>| load.count(Kind::Transaction) >= 80 && load.count(Kind::Access) >= 20;
    Story::record(city, &nodes, 3, enough).cut(amount("MULU_POWER_CUTS", 250) / 2, 1, &mut chance);
}
