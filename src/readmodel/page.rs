//! Pages of a listing: bounded, and continued by a cursor that says where the last one ended.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Serialize;

use super::columns::column;
use super::error::ReadError;

/// The most items on a page.
pub const PAGE_SIZE_MAX: u32 = 200;
/// Items on a page when the caller does not say.
pub const PAGE_SIZE: u32 = 50;
const CURSOR_CHARS_MAX: usize = 256;

/// Which page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// The `next_cursor` of the page before, none for the first page.
    pub cursor: Option<String>,
    /// Items wanted, 1 to [`PAGE_SIZE_MAX`]; [`PAGE_SIZE`] when none.
    pub size: Option<u32>,
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Leads to the next page, none on the last one.
    pub next_cursor: Option<String>,
    /// Index of the last transaction that this page reflects.
    pub ledger_index: u64,
}

/// Where a page ended. The tag keeps one listing's cursors out of another.
pub(super) trait Key: Sized {
    fn encode(&self) -> String;
    fn decode(text: &str) -> Option<Self>;
}

impl Key for u64 {
    fn encode(&self) -> String {
        self.to_string()
    }
    fn decode(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Key for (u64, u64) {
    fn encode(&self) -> String {
        format!("{},{}", self.0, self.1)
    }
    fn decode(text: &str) -> Option<Self> {
        let (first, second) = text.split_once(',')?;
        Some((first.parse().ok()?, second.parse().ok()?))
    }
}

impl Key for String {
    fn encode(&self) -> String {
        self.clone()
    }
    fn decode(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl PageRequest {
    /// Items to return.
    ///
    /// # Errors
    /// [`ReadError::Invalid`] when out of bounds.
    pub(super) fn size(&self) -> Result<usize, ReadError> {
        match self.size.unwrap_or(PAGE_SIZE) {
            size @ 1..=PAGE_SIZE_MAX => Ok(usize::try_from(size).unwrap_or(1)),
            _ => Err(ReadError::Invalid(format!("page_size is 1 to {PAGE_SIZE_MAX}"))),
        }
    }

    /// Rows to fetch: one more than a page tells whether there is another.
    pub(super) fn limit(&self) -> Result<i64, ReadError> {
        Ok(super::columns::count(self.size()?) + 1)
    }

    pub(super) fn after<K: Key>(&self, tag: char) -> Result<Option<K>, ReadError> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        if cursor.len() > CURSOR_CHARS_MAX {
            return Err(ReadError::Cursor);
        }
        let bytes = BASE64URL.decode(cursor).map_err(|_| ReadError::Cursor)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| ReadError::Cursor)?;
        let key = text.strip_prefix(tag).and_then(K::decode).ok_or(ReadError::Cursor)?;
        Ok(Some(key))
    }

    /// The key of a numbered listing, newest first: below which column to go on.
    pub(super) fn below(&self, tag: char) -> Result<i64, ReadError> {
        Ok(self.after::<u64>(tag)?.map_or(i64::MAX, column))
    }

    /// Makes a page of the rows fetched with [`PageRequest::limit`].
    pub(super) fn page<R, T, K: Key>(
        &self,
        tag: char,
        mut rows: Vec<R>,
        ledger_index: u64,
        key: impl Fn(&R) -> K,
        view: impl Fn(R) -> Result<T, ReadError>,
    ) -> Result<Page<T>, ReadError> {
        let size = self.size()?;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor =
            rows.last().filter(|_| more).map(|last| BASE64URL.encode(format!("{tag}{}", key(last).encode())));
        let items = rows.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor, ledger_index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cursor: &str, size: u32) -> PageRequest {
        PageRequest { cursor: Some(cursor.to_owned()), size: Some(size) }
    }

    #[test]
    fn a_cursor_leads_back_to_where_the_page_ended() {
        let first = PageRequest { cursor: None, size: Some(2) };
        let page = first.page('a', vec![(9, 1), (8, 2), (7, 3)], 0, |row: &(u64, u64)| *row, Ok).unwrap();
        assert_eq!(page.items, [(9, 1), (8, 2)]);
        let next = request(&page.next_cursor.unwrap(), 2);
        assert_eq!(next.after::<(u64, u64)>('a'), Ok(Some((8, 2))));
        assert_eq!(next.after::<(u64, u64)>('b'), Err(ReadError::Cursor));
        let last = next.page('a', vec![(7, 3)], 0, |row: &(u64, u64)| *row, Ok).unwrap();
        assert_eq!(last.next_cursor, None);
    }

    #[test]
    fn strange_cursors_and_sizes_are_refused() {
        for cursor in ["", "x", "!!", "YQ", "YS0x", &"Y".repeat(300)] {
            assert_eq!(request(cursor, 2).after::<u64>('a'), Err(ReadError::Cursor), "{cursor} passed");
        }
        for size in [0, 201, u32::MAX] {
            assert!(matches!(request("", size).size(), Err(ReadError::Invalid(_))));
        }
        assert_eq!(PageRequest::default().size(), Ok(50));
    }
}
