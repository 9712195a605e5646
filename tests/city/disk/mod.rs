//! Disks that fail, fill up, and lose what was not synced: real nodes over a shim (`shim.c`) between them and their files.
//!
//! Short forms run with all stories; docs/faults.md says how to run the long ones.

mod errors;
mod image;
mod journal;
mod load;
mod power;
mod room;
mod shim;
mod store;
