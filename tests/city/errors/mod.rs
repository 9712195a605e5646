//! What is wrong is told as RFC 9457 says, with a stable code and what to do; never as a fault of ours.

mod bodies;
mod callers;
mod everywhere;
mod repeats;
