//! The portal: pages for clerks, reviewers, auditors and operators, in Chinese and English.

pub mod assets;
mod catalog;
mod codes;
mod cookies;
mod dates;
mod desk;
mod draft_document;
mod draft_form;
mod drafts;
mod entrance;
mod entry_body;
mod form;
mod frame;
mod home;
mod href;
mod language;
mod listing;
mod render;
mod routes;
pub mod views;
pub mod words;

pub use routes::routes;
