//! A block: what one Raft entry carries.
//!
//! Form: `MBK1`, height (8), leader's time in milliseconds (8), count (4), then per transaction
//! its length (4) and bytes; numbers big endian.

use crate::clock::Millis;

use super::LedgerError;
use super::transaction::Transaction;

const MAGIC: &[u8; 4] = b"MBK1";
/// The longest block, in bytes, header included.
pub const BLOCK_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a block before its first transaction.
pub const BLOCK_HEADER_BYTES: usize = 24;

/// Transactions in their order, with the time that the leader gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number of this block; the genesis block has 0.
    pub height: u64,
    /// The leader's clock; the state machine makes it monotonic.
    pub time: Millis,
    /// The transactions, at least one.
    pub transactions: Vec<Transaction>,
}

impl Block {
    /// The bytes a Raft entry carries.
    pub fn encode(&self) -> Vec<u8> {
        let size: usize = self.transactions.iter().map(|tx| tx.as_bytes().len() + 4).sum();
        let mut bytes = Vec::with_capacity(BLOCK_HEADER_BYTES + size);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.height.to_be_bytes());
        bytes.extend_from_slice(&self.time.0.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(self.transactions.len()).unwrap_or(u32::MAX).to_be_bytes());
        for tx in &self.transactions {
            bytes.extend_from_slice(&u32::try_from(tx.as_bytes().len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(tx.as_bytes());
        }
        bytes
    }

    /// Reads a block.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] with the reason.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let wrong = |why: &str| LedgerError::malformed("block", why);
        if bytes.len() > BLOCK_BYTES_MAX {
            return Err(wrong("longer than 64 KiB"));
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("does not begin with MBK1"))?;
        let (height, rest) = rest.split_first_chunk::<8>().ok_or_else(|| wrong("ends early"))?;
        let (time, rest) = rest.split_first_chunk::<8>().ok_or_else(|| wrong("ends early"))?;
        let (count, mut rest) = rest.split_first_chunk::<4>().ok_or_else(|| wrong("ends early"))?;
        let mut transactions = Vec::new();
        for _ in 0..u32::from_be_bytes(*count) {
            let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(|| wrong("ends early"))?;
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let (tx, tail) = tail.split_at_checked(length).ok_or_else(|| wrong("ends early"))?;
            transactions.push(Transaction::decode(tx)?);
            rest = tail;
        }
        if !rest.is_empty() {
            return Err(wrong("has bytes after its last transaction"));
        }
        Ok(Self { height: u64::from_be_bytes(*height), time: Millis(u64::from_be_bytes(*time)), transactions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sign::SigningKey;

    #[test]
    fn a_block_survives_its_bytes_and_nothing_else_does() {
        let key = SigningKey::from_seed(&[3; 32]);
        let tx = |n: u8| Transaction::sign("city", format!("{{\"n\":{n}}}").as_bytes(), &key).unwrap();
        let block = Block { height: 9, time: Millis(77), transactions: vec![tx(1), tx(2)] };
        let bytes = block.encode();
        assert_eq!(Block::decode(&bytes), Ok(block));
        for end in 0..bytes.len() {
            assert!(Block::decode(&bytes[..end]).is_err());
        }
        assert!(Block::decode(&[bytes.as_slice(), b"x"].concat()).is_err());
    }
}
