//! What the process tells of itself: its log and, in it, the audit log.

pub mod audit;
pub mod logging;
