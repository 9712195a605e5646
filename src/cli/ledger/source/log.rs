//! A ledger read from a node's segment files, also beside the running node.

use std::path::Path;

use crate::cli::error::CliError;
use crate::clock::Millis;
use crate::ledger::block::Block;
use crate::storage::Record;
use crate::storage::ledger_reader::LedgerReader;

use super::{GROUP, Group, Leaf, Source};

/// How consensus marks an entry that may carry a block.
const KIND_NORMAL: u8 = 0;

/// The blocks of a log.
pub struct LogSource {
    reader: LedgerReader,
    height: u64,
    time: Millis,
}

impl LogSource {
    /// Begins with the first segment of a folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(dir: &Path) -> Result<Self, CliError> {
        Ok(Self { reader: LedgerReader::open(dir)?, height: 0, time: Millis(0) })
    }

    fn block(&mut self, record: &Record, group: &mut Group) -> Result<(), CliError> {
        let wrong = |why: String| CliError::NotValid(format!("entry {}: {why}", record.index));
        let block = Block::decode(&record.data).map_err(|e| wrong(e.to_string()))?;
        if block.height != self.height {
            return Err(wrong(format!("block {} stands where block {} is due", block.height, self.height)));
        }
        if block.time < self.time {
            return Err(wrong(format!("block {} is dated back before the block before it", block.height)));
        }
        (self.height, self.time) = (self.height + 1, block.time);
        let leaves = block.transactions.into_iter().map(|transaction| Leaf { time: self.time, transaction });
        group.leaves.extend(leaves);
        Ok(())
    }
}

impl Source for LogSource {
    fn next(&mut self) -> Result<Option<Group>, CliError> {
        let mut group = Group::default();
        while group.leaves.len() < GROUP {
            let Some(record) = self.reader.next_entry().map_err(|e| CliError::NotValid(e.to_string()))? else { break };
            // The other entries are consensus' own: a leader's first, and changes of its members.
            if record.kind == KIND_NORMAL && !record.data.is_empty() {
                self.block(&record, &mut group)?;
            }
        }
        Ok((!group.leaves.is_empty()).then_some(group))
    }

    fn remark(&self) -> Option<String> {
        self.reader
            .torn()
            .map(|why| format!("the last file ends unfinished ({why}): a crash, or a node that is writing"))
    }
}
