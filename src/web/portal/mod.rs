//! The portal: pages for clerks, reviewers, auditors and operators, in Chinese and English.

pub mod assets;
mod audit;
mod case_page;
mod cases;
mod catalog;
mod certificates;
mod cluster;
mod codes;
mod cookies;
mod dates;
mod desk;
mod draft_document;
mod draft_form;
mod drafts;
mod entrance;
mod entry_body;
mod explorer;
mod findings;
mod form;
mod frame;
mod grant_request;
mod grants;
mod home;
mod href;
mod keys;
mod language;
mod ledger;
mod listing;
mod query;
mod render;
mod routes;
mod rows;
mod verification;
pub mod views;
pub mod words;

pub use routes::routes;
