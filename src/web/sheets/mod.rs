//! The catalog as tables: a workbook or CSV file that clerks fill in, read into drafts, and written with what is published.
//!
//! A row is a filled form: what a column is called is what the form's field is called, so that both are checked alike.

pub mod accesses;
mod columns;
mod grid;
pub mod import;
pub(super) mod inflate;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use columns::Codes;
pub use grid::{FILE_BYTES_MAX, SheetError, Tables, tables};
pub use read::{Mark, Sheet};
pub use write::{csv, tables as tables_of, workbook};
