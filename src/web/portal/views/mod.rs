//! What each page shows: handlers fill these structs, templates lay them out. No logic beyond the look.
//!
//! Words of the data model (`conditional`, `requested`) stay codes here; templates turn them into texts. Times are
//! texts ready to read (`Millis::local_text`), names are in the reader's language already.

pub mod account;
pub mod admin;
pub mod audit;
pub mod audit_numbers;
pub mod cases;
pub mod catalog;
pub mod certificate;
pub mod cluster;
pub mod drafts;
pub mod entrance;
pub mod explorer;
pub mod findings;
pub mod grant_templates;
pub mod grants;
pub mod home;
pub mod keys;
pub mod ledger;
pub mod masking;
mod page;
pub mod policy;
pub mod progress;
pub mod query;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use page::{Choice, Contact, Fault, Faults, Field, Flash, Page, User};
