//! One page of a source's rows: closed by the number of its rows or by their length, whichever comes first.

use serde_json::{Map, Value};

use super::ConnectorError;

/// Bytes of a page's rows after which it is closed: with what it is wrapped in, an answer stays below its bound.
pub(super) const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// One page of a source's rows, items by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The rows, each with every item of the entry that has a value.
    pub rows: Vec<Map<String, Value>>,
    /// Where the next page begins, if there is one; for this source only, and not for the caller's eyes.
    pub next_cursor: Option<String>,
}

/// A page that is being filled with rows of JSON text.
pub(super) struct Filling {
    page: Page,
    row_max: usize,
    bytes: usize,
    last: Option<String>,
}

impl Filling {
    pub(super) fn new(row_max: usize) -> Self {
        Self { page: Page::default(), row_max, bytes: 0, last: None }
    }

    /// Adds a row and its place in the order; says whether the page takes another.
    pub(super) fn add(&mut self, row: &str, at: String) -> Result<bool, ConnectorError> {
        if self.page.rows.len() >= self.row_max || (self.last.is_some() && self.bytes + row.len() > PAGE_BYTES) {
            self.page.next_cursor = self.last.take();
            return Ok(false);
        }
        let mut object: Map<String, Value> =
            serde_json::from_str(row).map_err(|_| ConnectorError::Broken("a row is not readable".into()))?;
        object.retain(|_, value| !value.is_null());
        self.bytes += row.len();
        self.page.rows.push(object);
        self.last = Some(at);
        Ok(true)
    }

    pub(super) fn done(self) -> Page {
        self.page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_by_rows_or_by_length_and_the_next_one_begins_after_its_last_row() {
        let mut page = Filling::new(2);
        assert!(page.add("{\"a\":1,\"b\":null}", "[1]".into()).unwrap());
        assert!(page.add("{\"a\":2}", "[2]".into()).unwrap());
        assert!(!page.add("{\"a\":3}", "[3]".into()).unwrap());
        let page = page.done();
        assert_eq!((page.rows.len(), page.rows[0].len(), page.next_cursor.as_deref()), (2, 1, Some("[2]")));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(PAGE_BYTES));
        let mut page = Filling::new(9);
        assert!(page.add(&long, "[1]".into()).unwrap(), "a single long row is a page");
        assert!(!page.add("{}", "[2]".into()).unwrap());
        assert_eq!(page.done().next_cursor.as_deref(), Some("[1]"));
    }
}
