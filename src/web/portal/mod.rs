//! The portal: pages for clerks, reviewers, auditors and operators, in Chinese and English.

pub mod assets;
pub mod views;
pub mod words;
