//! Storms: real nodes are killed, cut off, slowed and flooded while they are written to. What was acknowledged stands
//! everywhere, once. Short forms run with all stories; docs/faults.md says how to run the long ones and to repeat one.

pub mod chance;
mod history;
mod kept;
mod kill;
mod load;
mod network;
mod overload;
mod proxy;
