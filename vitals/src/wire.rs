//! The wire: topics, deterministic CBOR, signatures, and the messages of each contract version.
//!
//! The formal text of the messages is `docs/wire.cddl`. Wire types are not domain types: they hold
//! what the contract says, as text where a word may be new, and convert where a reader needs more.

pub mod canonical;
pub mod primitive;
pub mod sealed;
pub mod topic;
pub mod trial;
pub mod v1;
