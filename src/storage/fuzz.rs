//! Fuzz target of the ledger's records, as a damaged disk or a stranger's folder may hold them.

use crate::fuzzing::fuzz;

use super::RecordRef;
use super::record::{self, AFTER_SYNC, Found};

#[test]
fn a_record() {
    let write = |flags| {
        let mut bytes = Vec::new();
        record::write(RecordRef { index: 7, term: 3, kind: 0, data: b"what the city decided" }, flags, &mut bytes);
        bytes
    };
    fuzz!(vec![write(0), write(AFTER_SYNC)], |bytes: &[u8]| {
        let _ = record::is_marked_durable_in(bytes, 6);
        let Found::Record { record, flags, bytes: length } = record::read(bytes) else { return false };
        let mut again = Vec::new();
        record::write(record, flags, &mut again);
        assert_eq!(again, bytes[..length]);
        true
    });
}
