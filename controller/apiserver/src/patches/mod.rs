//! The three kinds of patches that say what to change; a server-side apply is in [`crate::managed`].

mod budget;
pub(crate) mod json;
pub(crate) mod merge;
pub(crate) mod strategic;
